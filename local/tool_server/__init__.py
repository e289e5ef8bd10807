"""The reference tool server: a real MCP server whose tools write to one SQLite file.

It stands where a company's CRM, calendar and notes would, so that an effect can be seen with one's own eyes and
every failure of a tool can be asked for. Any other MCP server can take its place. `server`, `tokens`, `faults`
and `witness` are for the rest of the project; whoever only reads the evidence loads no server.
"""
