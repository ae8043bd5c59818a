"""Pages of refunds, for a shop's own people and for staff: what both do and see, and the two places where they do."""
