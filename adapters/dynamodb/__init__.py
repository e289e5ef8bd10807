"""The stores on Amazon DynamoDB, through the low-level client that the container configures.

``keys`` is the only place that builds keys, ``item`` the only one that converts models, ``errors`` the only one that
reads botocore's errors; the other modules are one port each. Nothing here retries on its own: the client is
configured for what may be repeated blindly, and Step Functions repeats whole steps.
"""
