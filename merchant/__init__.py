"""Merchant registry and payments service for Mojaloop instant-payment hubs."""

__version__ = "0.1.0"
