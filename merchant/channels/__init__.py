"""USSD and QR codes: they join the pure libraries (qr, ussd) to the registry and the payments."""
