"""What the system decides: the model, the policies and the use cases, free of any technology."""
