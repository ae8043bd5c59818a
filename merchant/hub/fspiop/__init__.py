"""Mojaloop's wire: messages, headers, signatures, ILP packets and the HTTP client that carries them.

FSPIOP's bodies, headers, signatures and error codes are written and read here: everybody above calls hub/adapter.py,
and imports nothing of this. No state and no rules of the registry or of payments.
"""
