"""Shoppers who pay of their own accord: by number, by printed code, by the code of a request."""
