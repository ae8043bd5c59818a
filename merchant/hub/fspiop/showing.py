"""FSPIOP messages as people of ours may see them: without names, birth dates and telephone numbers of anybody."""

import re
from typing import Any, Final
from urllib.parse import quote

import msgspec

from merchant.core.masking import HIDDEN
from merchant.core.phone import mask
from merchant.hub.envelopes import OutgoingMessage, PartyTold
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.headers import media_type, version_for
from merchant.hub.fspiop.messages import ErrorPut, PartiesPut, decode, read_error
from merchant.hub.fspiop.paths import read_path

# Fields that hold people's names and birth dates, and the packet that names payer and payee.
_PERSONAL: Final = frozenset(
    {"name", "displayName", "firstName", "middleName", "lastName", "dateOfBirth", "personalInfo", "ilpPacket"}
)
_OF_PEOPLE: Final = frozenset({"MSISDN", "PERSONAL_ID", "EMAIL"})
_NUMBER = re.compile(r"(?<![\w.-])\+?[0-9]{7,17}(?![\w.-])")
_AMOUNT: Final = "amount"
_PARTY_NOT_FOUND: Final = "3204"


def error_code_of(path: str, body: bytes | None) -> str | None:
    """The code of an error, without its description, which others wrote; None for a message that tells none."""
    if not path.partition("?")[0].endswith("/error"):
        return None
    try:
        return decode(ErrorPut, body or b"").error_information.error_code
    except FspiopError:
        return None


def shown_path(method: str, path: str) -> str:
    """A path whose telephone number is masked; nothing of one that cannot be read."""
    path = path.partition("?")[0]
    try:
        place = read_path(method, path)
    except FspiopError:
        named = path.split("/")[1] if "/" in path else ""
        return f"/{named}/…" if named else "/…"
    hidden: list[str] = list(place.ids)
    if len(hidden) > 1:
        hidden[1] = hidden[1] if hidden[0] not in _OF_PEOPLE else mask(hidden[1])
    return "/".join(("", place.resource, *hidden, *(("error",) if place.is_error else ())))


def shown_headers(source: str, destination: str | None, resource: str, version: str | None) -> dict[str, str]:
    """Those headers that are kept of a message, or follow from what is."""
    named = {"fspiop-source": source, "fspiop-destination": destination or ""}
    return {name: text for name, text in named.items() if text} | {
        "content-type": media_type(resource, version or version_for(resource))
    }


def shown_body(body: bytes | None) -> dict[str, Any] | None:
    """A body, masked; None for one that cannot be read."""
    try:
        content = msgspec.json.decode(body) if body else None
    except msgspec.DecodeError:
        return None
    return masked(content) if isinstance(content, dict) else None


def masked_numbers(text: str) -> str:
    """A text without telephone numbers."""
    return _NUMBER.sub(lambda found: mask(found[0]), text)


def masked(content: Any, name: str = "") -> Any:
    """A body without names, birth dates and telephone numbers of people; ids, amounts and times stay."""
    if name in _PERSONAL and content is not None:
        return HIDDEN
    if isinstance(content, dict):
        is_party = content.get("partyIdType") not in (None, "ALIAS", "BUSINESS")
        return {
            key: mask(value) if is_party and key == "partyIdentifier" and isinstance(value, str) else masked(value, key)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [masked(one, name) for one in content]
    if isinstance(content, str) and name != _AMOUNT:
        return masked_numbers(content)
    return content


# --- a look-up by hand -----------------------------------------------------------------------------------------------


def look_up(party_type: str, party: str, fsp_id: str) -> OutgoingMessage:
    """The question which DFSP has a party, whatever its type."""
    return OutgoingMessage("GET", f"/parties/{party_type}/{quote(party, safe='')}", fsp_id)


def answers_look_up(asked: OutgoingMessage, path: str) -> bool:
    """Whether a message of this path is the answer to a look-up, good or bad."""
    return path in (asked.path, f"{asked.path}/error")


def party_told(body: bytes) -> PartyTold:
    """What an answer to a look-up tells, without the party's name."""
    error = read_error(body)
    if error is not None:
        return PartyTold(error=f"{error[0]} ({meaning_of(error[0])})", is_unknown=error[0] == _PARTY_NOT_FOUND)
    try:
        return PartyTold(fsp_id=decode(PartiesPut, body).party.party_id_info.fsp_id)
    except FspiopError as problem:
        return PartyTold(problem=problem.description)
