"""Policies: proposed, published by two people, and the one in force for a DFSP on a day."""
