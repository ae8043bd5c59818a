"""Whom a message is for that does not say so: FSPIOP-Destination may be absent (section 3.2.1).

The body names the payee's DFSP or number, the path names what we have stored.
"""

from collections.abc import Mapping
from typing import Final

from merchant.hub.fspiop.messages import PartyIdInfo, QuotesPost, TransactionRequestsPost, TransfersPost, WireBody
from merchant.hub.fspiop.paths import Place
from merchant.hub.port import Addressee, Stored

_STORED: Final[Mapping[str, Stored]] = {
    "quotes": Stored.QUOTE,
    "transfers": Stored.TRANSFER,
    "transactionRequests": Stored.REQUEST,
}


def addressee_of(place: Place, body: WireBody | None) -> Addressee:
    """What the body of a message tells of whom it is for, else its path."""
    match body:
        case TransfersPost():
            return Addressee(fsp_id=body.payee_fsp)
        case QuotesPost():
            return _party(body.payee.party_id_info)
        case TransactionRequestsPost():
            return _party(body.payer)
    if place.resource in ("parties", "participants") and len(place.ids) > 1:
        return Addressee(alias=(place.ids[0], place.ids[1]))
    if place.ids and place.resource in _STORED:
        return Addressee(stored=(_STORED[place.resource], place.ids[0]))
    return Addressee()


def _party(named: PartyIdInfo) -> Addressee:
    if named.fsp_id:
        return Addressee(fsp_id=named.fsp_id)
    return Addressee(alias=(named.party_id_type, named.party_identifier))
