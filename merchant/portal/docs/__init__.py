"""The API as pages that a person reads."""
