"""Mojaloop's wire: messages, headers, signatures, ILP packets and the HTTP client that carries them.

FSPIOP's bodies, headers, signatures and error codes are written and read here; payments still reads bodies with these
structs, and says refusals in the kinds of hub/port.py. No state and no rules of the registry or of payments.
"""
