"""The oracle: what the hub asks about merchant numbers, and what external DFSPs register."""
