"""Text messages to merchants."""
