"""Webhooks as a shop's own server sees them."""
