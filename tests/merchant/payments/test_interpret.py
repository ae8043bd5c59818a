"""What the hub asks and tells: parties, payers that answer, payers that are not found."""
