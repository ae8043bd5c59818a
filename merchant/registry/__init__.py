"""Who the merchants are: merchants, places, counters, numbers, stickers, the oracle."""
