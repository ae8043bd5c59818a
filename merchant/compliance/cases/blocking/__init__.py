"""Whom the scheme does not want back: the private block list asked, merchants blocked by the hub, their identifiers."""
