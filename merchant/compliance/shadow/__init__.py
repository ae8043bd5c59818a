"""What a policy would change for the merchants there are, before it is published."""
