"""Merchants who register themselves: codes, accounts, their application, claims, and what owners ask for."""
