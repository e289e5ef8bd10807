"""The demonstration: approved intents travel the whole way, and three independent witnesses say what happened."""
