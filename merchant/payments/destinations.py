"""Which of our DFSPs a message is for when it does not say so.

It tells the payee's DFSP or number, or what we have stored. Else it is the only DFSP there is.
"""

from collections.abc import Mapping
from typing import Any

from merchant.core.db import Reads
from merchant.hub.port import Addressee, Stored

_BY_ALIAS = "SELECT d.fsp_id FROM alias a JOIN dfsp d ON d.id = a.dfsp_id WHERE alias_type = $1 AND alias = $2 LIMIT 1"
_QUOTE = (
    "SELECT d.fsp_id FROM quote q JOIN dfsp d ON d.id = q.dfsp_id WHERE q.quote_id = $1 AND q.payer_fsp_id = $2"
    " UNION ALL SELECT d.fsp_id FROM refund r JOIN dfsp d ON d.id = r.dfsp_id WHERE r.quote_id = $1"
)
_BY_ID: Mapping[Stored, str] = {
    Stored.TRANSFER: "SELECT d.fsp_id FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id WHERE t.transfer_id = $1"
    " UNION ALL SELECT d.fsp_id FROM refund r JOIN dfsp d ON d.id = r.dfsp_id WHERE r.transfer_id = $1 LIMIT 1",
    Stored.REQUEST: "SELECT d.fsp_id FROM payment_request p JOIN dfsp d ON d.id = p.dfsp_id"
    " WHERE p.transaction_request_id = $1",
}
_ENABLED = "SELECT fsp_id FROM dfsp WHERE enabled LIMIT 2"


async def find_destination(tx: Reads, addressee: Addressee, source: str) -> str | None:
    """The FSP id of the DFSP that a message without destination is for; None when nothing tells."""
    if addressee.fsp_id is not None:
        return addressee.fsp_id
    found: Any = None
    if addressee.alias is not None:
        found = await tx.fetchval(_BY_ALIAS, *addressee.alias)
    elif addressee.stored is not None:
        kind, stored_id = addressee.stored
        if kind is Stored.QUOTE:  # ids of quotes are their senders' own
            found = await tx.fetchval(_QUOTE, stored_id, source)
        else:
            found = await tx.fetchval(_BY_ID[kind], stored_id)
    if found is None:
        enabled = await tx.fetch(_ENABLED)
        found = enabled[0]["fsp_id"] if len(enabled) == 1 else None
    return None if found is None else str(found)
