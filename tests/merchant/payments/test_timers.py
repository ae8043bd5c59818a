"""What happens because nothing happened: expiry, silence, look-ups made again."""
