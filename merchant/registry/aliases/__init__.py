"""Merchant numbers: issued once, never given to another."""
