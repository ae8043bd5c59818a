"""What the dialogue may ask of the service: `ussd.Backend`, answered from registry and payments."""

from uuid import UUID

import ussd
from merchant.channels.ussd.sealing import open_state
from merchant.channels.ussd.shopping import Shopping
from merchant.core import money
from merchant.core.db import Tx
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.registry.merchants.states import Capability
from merchant.registry.merchants.states import states_that_permit as merchants_that_permit

_OWN = f"""
SELECT c.id, c.alias, c.name FROM counter c JOIN merchant m ON m.id = c.merchant_id
WHERE m.phone_digest = $1 AND c.closed_at IS NULL
  AND m.state IN {merchants_that_permit(Capability.SHOW_PAYMENTS)} ORDER BY c.id LIMIT 50
"""  # noqa: S608 - constants
_RECENT = """
SELECT amount_minor, currency, payer_masked, received_at FROM payment WHERE counter_id = $1 ORDER BY id DESC LIMIT $2
"""
_LAST_SESSION = """
SELECT state FROM ussd_session WHERE msisdn_digest = $1 AND state <> '' ORDER BY touched_at DESC LIMIT 1
"""


class ServiceBackend(Shopping):
    """What the dialogue may ask, answered from registry and payments within the step's transaction (ussd.Backend)."""

    def __init__(self, tx: Tx, service: Service, msisdn_digest: bytes) -> None:
        super().__init__(tx, service)
        self._msisdn_digest = msisdn_digest

    async def own_counters(self, msisdn: str) -> list[ussd.OwnCounter]:
        """The counters of the merchant whose phone this is."""
        rows = await self._tx.fetch(_OWN, Msisdn.of(msisdn).digest(self._service.vault))
        return [ussd.OwnCounter(str(row["id"]), row["alias"], row["name"]) for row in rows]

    async def recent_payments(self, counter_id: str, limit: int) -> list[ussd.PaymentLine]:
        """The counter's latest payments."""
        zone = await self._service.time_zone()
        return [
            ussd.PaymentLine(
                row["amount_minor"],
                row["currency"],
                money.exponent(row["currency"]),
                row["payer_masked"] or "",
                row["received_at"].astimezone(zone),
            )
            for row in await self._tx.fetch(_RECENT, UUID(counter_id), limit)
        ]

    async def preferred_language(self, msisdn: str) -> str | None:
        """The language this phone used last."""
        stored = await self._tx.fetchval(_LAST_SESSION, self._msisdn_digest)
        if stored is None:
            return None
        return ussd.decode_session(open_state(self._service.vault, self._msisdn_digest, stored)).language or None
