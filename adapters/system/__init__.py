"""The machine's own clock; the one room that asks it."""
