"""The Lambda entry points: one thin file per step, over one container.

Nothing but tests and the packaging knows this room.
"""
