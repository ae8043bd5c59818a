"""What a checker looks at: the queue of what waits, the people of a case, hits beside their entries, who owns what."""
