"""Asking the payer and sending letters: refused, unreachable, repeated with the same words."""
