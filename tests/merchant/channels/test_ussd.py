"""The USSD door as the operator's gateway uses it."""
