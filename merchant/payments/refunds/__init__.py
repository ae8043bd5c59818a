"""Refunds: money that a merchant gives back to a payer, with us as the payer's side of the hub."""
