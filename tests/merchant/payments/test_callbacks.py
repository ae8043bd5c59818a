"""The FSPIOP door: what a hub may send, and what is refused."""
