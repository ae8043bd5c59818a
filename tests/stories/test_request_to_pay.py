"""Requests to pay through the simulated hub, each kind of customer, over real HTTP."""
