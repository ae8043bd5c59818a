"""DFSPs, people and API keys: accounts, credentials and sign-in."""
