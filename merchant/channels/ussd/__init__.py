"""The USSD channel: the gateways' door, a step of a dialogue, and what the dialogue asks of the service."""
