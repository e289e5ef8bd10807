"""One use case per step: read through ports, ask a policy, write through ports."""
