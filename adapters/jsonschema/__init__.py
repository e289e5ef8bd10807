"""JSON Schema by the ``jsonschema`` library."""
