"""A million payments lived through by seed: the service's own decisions over a book in memory, a virtual clock and a
lossy network. `make simulate SEED=n PAYMENTS=m`; a seed that fails is a bug report.

world.py is time and chance, hub.py the hub with its ledger and the payers, service.py the service's nodes and its
database, truth.py what must hold, run.py puts them together. Above the wire: messages are the values of hub/port.py.
"""
