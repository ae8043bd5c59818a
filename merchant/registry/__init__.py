"""Who the merchants are: applications, review, merchants, counters, numbers, the oracle."""
