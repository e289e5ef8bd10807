"""What every AWS service has in common, for the rooms that each speak to one of them."""
