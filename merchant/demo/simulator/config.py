"""What a simulated world is told when it starts: where the service is, who lives here, how long they take.

The demo and the command make one and hand it to app.py; every flow reads it from the Simulation.
"""

from pathlib import Path

import msgspec


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """How long the simulated people and machines take, in seconds. Tests shorten them."""

    # How long a payer thinks before saying yes or no, unless the control says otherwise.
    payer_delay_s: float = 0.3
    # How long a payer's DFSP waits for a callback before it sends the same message again, and how often.
    answer_wait_s: float = 5.0
    asks_max: int = 4
    # The life of a transfer: FSPIOP figure 52 gives the payer's side 30 s.
    transfer_expiry_s: float = 30.0
    # How long after an expiry a late payer acts.
    late_by_s: float = 0.5
    # First pause before an undelivered message is sent again; it doubles up to the second, at most so often.
    resend_wait_s: float = 0.2
    resend_wait_max_s: float = 5.0
    resends_max: int = 40


class SimulatorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the service is, where the journal is kept, and who lives in this world."""

    # Base of the service: its oracle answers below /oracle, and DFSPs register their own callback URLs.
    service_url: str
    # Append-only JSON lines; everything that must survive a kill is here, this world's keys included.
    journal_path: Path
    # Sent as x-gateway-secret with every message to the service, as the hub's gateway would.
    gateway_secret: str = ""
    hub_fsp_id: str = "hub"
    payer_fsp_ids: tuple[str, ...] = ("mobilemoney", "savingsbank")
    timings: Timings = Timings()
