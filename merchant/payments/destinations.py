"""Which of our DFSPs a message is for when it does not say so: FSPIOP-Destination may be absent (section 3.2.1).

The body names the payee's DFSP or number, the path names what we have stored. Else it is the only DFSP there is.
"""

from typing import Any

from merchant.core.db import Reads
from merchant.hub.fspiop.messages import PartyIdInfo, QuotesPost, TransactionRequestsPost, TransfersPost, WireBody
from merchant.hub.fspiop.paths import Place

_BY_ALIAS = "SELECT d.fsp_id FROM alias a JOIN dfsp d ON d.id = a.dfsp_id WHERE alias_type = $1 AND alias = $2 LIMIT 1"
_BY_ID = {
    "quotes": "SELECT d.fsp_id FROM quote q JOIN dfsp d ON d.id = q.dfsp_id"
    " WHERE q.quote_id = $1 AND q.payer_fsp_id = $2"
    " UNION ALL SELECT d.fsp_id FROM refund r JOIN dfsp d ON d.id = r.dfsp_id WHERE r.quote_id = $1",
    "transfers": "SELECT d.fsp_id FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id WHERE t.transfer_id = $1"
    " UNION ALL SELECT d.fsp_id FROM refund r JOIN dfsp d ON d.id = r.dfsp_id WHERE r.transfer_id = $1 LIMIT 1",
    "transactionRequests": "SELECT d.fsp_id FROM payment_request p JOIN dfsp d ON d.id = p.dfsp_id"
    " WHERE p.transaction_request_id = $1",
}
_ENABLED = "SELECT fsp_id FROM dfsp WHERE enabled LIMIT 2"


async def find_destination(tx: Reads, place: Place, body: WireBody | None, source: str) -> str | None:
    """The FSP id of the DFSP that a message without destination is for; None when nothing tells."""
    named = _named(body)
    if isinstance(named, str):
        return named
    if named is None and place.resource in ("parties", "participants") and len(place.ids) > 1:
        named = PartyIdInfo(place.ids[0], place.ids[1])
    found: Any = None
    if named is not None:
        found = await tx.fetchval(_BY_ALIAS, named.party_id_type, named.party_identifier)
    elif place.ids and place.resource in _BY_ID:
        values = (place.ids[0], source) if place.resource == "quotes" else (place.ids[0],)
        found = await tx.fetchval(_BY_ID[place.resource], *values)
    if found is None:
        enabled = await tx.fetch(_ENABLED)
        found = enabled[0]["fsp_id"] if len(enabled) == 1 else None
    return None if found is None else str(found)


def _named(body: WireBody | None) -> str | PartyIdInfo | None:
    """The payee's DFSP in a request's body, or the payee."""
    match body:
        case TransfersPost():
            return body.payee_fsp
        case QuotesPost():
            return body.payee.party_id_info.fsp_id or body.payee.party_id_info
        case TransactionRequestsPost():
            return body.payer.fsp_id or body.payer
        case _:
            return None
