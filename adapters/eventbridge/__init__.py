"""The signal publisher on Amazon EventBridge, through the client that the container configures."""
