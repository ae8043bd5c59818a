"""Mojaloop's wire: messages, headers, signatures, ILP packets and the HTTP client that carries them.

FSPIOP's bodies, headers and signatures are written and read here only; payments and the simulator
work with these structs and error codes. It holds no state and no rules of the registry or of payments.
"""
