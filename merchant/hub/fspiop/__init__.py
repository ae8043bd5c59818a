"""Mojaloop's wire: messages, headers, signatures, ILP packets and the HTTP client that carries them.

The only package that knows FSPIOP. It holds no state and no rules of the registry or of payments.
"""
