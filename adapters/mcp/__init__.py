"""The tool gateway over MCP: a strict client that sends once and believes nothing it cannot prove.

It is not built on the MCP SDK's client, which may send one call several times; here one ``send`` is one HTTP POST.
"""
