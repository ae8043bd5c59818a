"""DFSPs, their staff and their machines: who may be here at all."""
