"""What every slice stands on: database, outbox, vault, clock, money, errors, HTTP. Knows no slice."""
