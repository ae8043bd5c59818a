"""The simulator: a hub, its Account Lookup Service, two payer DFSPs and their customers' phones.

A party of its own: it speaks FSPIOP with the service over HTTP, signs and verifies, keeps its own journal,
and shares nothing with the service but the wire code of merchant.hub. Read in this order: world (what is
known), behaviours (what a payer will do), payer, shopper and payee (the payer's DFSP), hub (the switch and its
ledger), link (sending and waiting), fspiop_routes and control_routes (what arrives), app (the wiring).
"""

from merchant.demo.simulator.app import create_simulator, serve_simulator
from merchant.demo.simulator.config import SimulatorConfig, Timings

__all__ = ["SimulatorConfig", "Timings", "create_simulator", "serve_simulator"]
