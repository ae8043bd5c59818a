"""Money asked for and received: payment requests, the hub's answers, settlement."""
