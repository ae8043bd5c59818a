"""The scheme and its DFSPs, with the keys that sign for them and those of their partners."""
