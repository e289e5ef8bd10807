"""A ticket desk as an MCP server that knows nothing of the execution layer, as a team's own server may be.

    .venv/bin/python examples/plain_server/server.py --port 9000

Two tools, no login, its own words for its own things. It reads no execution context and recognises no repeated call,
which is why its mapping says UNSAFE. The token that every call carries is ignored here; a server that others can reach
must check it.
"""

import argparse

from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel


class Ticket(BaseModel):
    """A ticket, as the desk shows it."""

    id: str
    title: str
    details: str


def desk() -> MCPServer:
    """Return the server, with an empty desk that is forgotten when it stops."""
    server = MCPServer("ticket-desk")
    tickets: list[Ticket] = []

    @server.tool()
    def create_ticket(title: str, details: str = "") -> Ticket:
        """Open a ticket."""
        ticket = Ticket(id=f"TICKET-{len(tickets) + 1}", title=title, details=details)
        tickets.append(ticket)
        print(f"opened {ticket.id}: {ticket.title}", flush=True)
        return ticket

    @server.tool()
    def list_tickets() -> list[Ticket]:
        """Show every ticket."""
        return tickets

    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A ticket desk that speaks MCP.")
    parser.add_argument("--port", type=int, default=9000, help="the port on 127.0.0.1 (default 9000)")
    desk().run("streamable-http", port=parser.parse_args().port)
