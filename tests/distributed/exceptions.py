"""Statements of a payment that ask more than one machine, or whose rows pass through the coordinator, and why."""

EXCEPTIONS: dict[str, str] = {}
