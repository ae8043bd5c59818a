"""Migration from mojaloop/merchant-registry-svc: its database or workbook becomes the rows of an import.

tables.py reads what it exported, mapping.py turns each of its merchants into a row and says what has no place here, and
categories.py has our category for each of its own.
"""
