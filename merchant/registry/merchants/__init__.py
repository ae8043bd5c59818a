"""Merchants, their locations and counters, and what may happen to them."""
