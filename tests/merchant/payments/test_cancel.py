"""Cancelling a payment request, and what stands against it."""
