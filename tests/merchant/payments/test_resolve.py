"""A person asks the hub again what became of a payment in doubt."""
