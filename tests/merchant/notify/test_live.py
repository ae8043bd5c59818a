"""Live events: what is announced, to whom, and when a screen is cut off."""
