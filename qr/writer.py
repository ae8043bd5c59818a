"""Writes a MerchantCode as payload text, identifiers ascending, text in NFC.

Two functions write the same text. `_write_sound` is the fast path for common codes that keep every rule of EMVCo, and
returns None in doubt. `_write` takes any code; the reader then finds the rules it breaks, so reading and writing report
a fault alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from unicodedata import normalize

from msgspec import structs

from qr import crc, tlv
from qr.amounts import fill
from qr.emv import (
    ACCOUNT_IDS,
    ADDITIONAL_FIELDS,
    ADDITIONAL_TEMPLATE_IDS,
    CARD_IDS,
    DYNAMIC,
    GUID_CHARS_MAX,
    LANGUAGE_FIELDS,
    PAYLOAD_CHARS_MAX,
    PAYLOAD_FORMAT,
    ROOT_FIELDS,
    STATIC,
    TIP_FIXED,
    TIP_PERCENTAGE,
    UNRESERVED_IDS,
    VALUE_PATHS,
    Account,
    Additional,
    Field,
    Language,
    MerchantCode,
    Template,
    Tip,
)
from qr.errors import EncodeError, Finding
from qr.reader import read
from qr.text import CONTROLS

Pairs = Iterable[tuple[str, str | None]]
Heads = dict[int, str]


def compose(code: MerchantCode) -> tuple[str, list[Finding]]:
    """The payload of `code` and its findings under EMVCo's rules.

    Raises EncodeError when no payload can hold the code: an empty value or one over 99 characters, an identifier out
    of place, a value that is no text.
    """
    code = _aligned(code)
    try:
        objects = _write_sound(code)
        body = f"{_write(code) if objects is None else objects}6304"
    except (AttributeError, TypeError):
        raise _mistyped(code) from None
    payload = body + crc.checksum(body)
    findings = read(payload)[1] if objects is None else []
    if len(payload) > PAYLOAD_CHARS_MAX:
        message = f"the payload has {len(payload)} characters, and it should have at most {PAYLOAD_CHARS_MAX}"
        findings.append(Finding("", "payload_too_long", message, "error", "EMV MPM 4.1"))
    return payload, findings


def _aligned(code: MerchantCode) -> MerchantCode:
    """The code with the fractions of its amounts in the currency's decimals: 12.5 dollars become 12.50."""
    amount, tip = code.amount, code.tip
    if type(amount) is str and "." in amount and (filled := fill(amount, code.currency)) is not amount:
        code = structs.replace(code, amount=filled)
    if tip is not None and type(tip.fixed) is str and "." in tip.fixed:
        code = structs.replace(code, tip=structs.replace(tip, fixed=fill(tip.fixed, code.currency)))
    return code


def _mistyped(code: MerchantCode) -> EncodeError:
    """The error for a code with values that are no text, as a number for an amount."""
    values = ((path, get(code)) for path, get in VALUE_PATHS.items())
    wrong = [(path, value) for path, value in values if not (value is None or isinstance(value, str))]
    return EncodeError(
        Finding(path, "bad_type", f"object {path} must be given as text, and it is {value!r}", "error", "this library")
        for path, value in wrong or [("", "a value of another kind")]
    )


# Any code

_TIP_IDS = ("55", "56", "57")
_ROOT = tuple(field for field in ROOT_FIELDS if field.tag not in _TIP_IDS)
_TIP = tuple(field for field in ROOT_FIELDS if field.tag in _TIP_IDS)
_root_values = attrgetter(*(field.attribute for field in _ROOT))
_tip_values = attrgetter("indicator", "fixed", "percentage")
_additional_values = attrgetter(*(field.attribute for field in ADDITIONAL_FIELDS))
_language_values = attrgetter(*(field.attribute for field in LANGUAGE_FIELDS))


def _write(code: MerchantCode) -> str:
    """The text of every root object but the checksum."""
    pairs = list(zip(_tags(_ROOT), _root_values(code), strict=True))
    pairs += code.reserved.items()
    if code.tip is not None:
        pairs += zip(_TIP_IDS, _tip_values(code.tip), strict=True)
    pairs += _templates(code.accounts, ACCOUNT_IDS, "")
    pairs += _templates(code.unreserved, UNRESERVED_IDS, "")
    if code.additional is not None:
        inner = list(zip(_tags(ADDITIONAL_FIELDS), _additional_values(code.additional), strict=True))
        inner += _templates(code.additional.templates, ADDITIONAL_TEMPLATE_IDS, "62.")
        pairs.append(("62", code.additional.text or _join([*inner, *code.additional.reserved.items()], "62.")))
    if code.language is not None:
        inner = list(zip(_tags(LANGUAGE_FIELDS), _language_values(code.language), strict=True))
        pairs.append(("64", code.language.text or _join([*inner, *code.language.reserved.items()], "64.")))
    return _join(pairs, "")


def _tags(fields: Iterable[Field]) -> Iterator[str]:
    return (field.tag for field in fields)


def _templates(templates: Iterable[Template], places: frozenset[str], path: str) -> Iterator[tuple[str, str]]:
    for template in templates:
        if template.tag not in places:
            raise _unwritable(f"{path}{template.tag}", f"{template.tag} is not among {min(places)} to {max(places)}")
        yield template.tag, template.text or _join(template.fields.items(), f"{path}{template.tag}.")


def _join(pairs: Pairs, path: str) -> str:
    try:
        return tlv.join(sorted((tag, value) for tag, value in pairs if value is not None))
    except tlv.TlvError as error:
        raise _unwritable(path + error.tag, str(error)) from None


def _unwritable(path: str, message: str) -> EncodeError:
    return EncodeError((Finding(path, "unwritable", message, "fatal", "EMV MPM 3.2"),))


# Everyday codes


def _heads(tag: str, chars_max: int, chars_min: int = 1) -> Heads:
    """Identifier and length as text, by length; forbidden lengths have none, so looking one up is the check."""
    return {length: f"{tag}{tlv.TWO_DIGITS[length]}" for length in range(chars_min, chars_max + 1)}


def _all_heads(fields: Iterable[Field]) -> tuple[Heads, ...]:
    return tuple(_heads(field.tag, field.chars_max, field.chars_min) for field in fields)


_ROOT_HEADS, _ADDITIONAL_HEADS = _all_heads(_ROOT), _all_heads(ADDITIONAL_FIELDS)
_LANGUAGE_HEADS, _TIP_HEADS = _all_heads(LANGUAGE_FIELDS), _all_heads(_TIP)
_TIP_MATCHES = tuple(field.match for field in _TIP)
_TEMPLATE_HEADS = {tag: _heads(tag, tlv.VALUE_CHARS_MAX) for tag in (*ACCOUNT_IDS, "62", "64")}
_FIELD_HEADS = {tag: _heads(tag, tlv.VALUE_CHARS_MAX) for tag in tlv.IDS} | {"00": _heads("00", GUID_CHARS_MAX)}
_MATCH = {field.attribute: field.match for field in (*ROOT_FIELDS, *LANGUAGE_FIELDS[:1])}
_is_mcc, _is_currency, _is_country = _MATCH["mcc"], _MATCH["currency"], _MATCH["country"]
_is_amount, _is_language = _MATCH["amount"], _MATCH["language"]
_POINTS = frozenset((None, STATIC, DYNAMIC))


def _write_sound(code: MerchantCode) -> str | None:
    """What `_write` writes for a common code that keeps every rule; None when in doubt.

    Common: ASCII but for a language template, no templates besides accounts, nothing reserved.
    """
    accounts = code.accounts
    try:
        if (
            _is_mcc(code.mcc) is None
            or _is_currency(code.currency) is None
            or _is_country(code.country) is None
            or (code.amount is not None and _is_amount(code.amount) is None)
            or code.point_of_initiation not in _POINTS
            or code.payload_format != PAYLOAD_FORMAT
            or None in (code.name, code.city)
            or not accounts
            or (len(accounts) > 1 and len({account.tag for account in accounts}) < len(accounts))
            or code.unreserved
            or code.reserved
        ):
            return None
        objects = _sound_values(_ROOT_HEADS, _root_values(code))
        objects += [_sound_account(account) for account in accounts]
        if code.tip is not None:
            objects += _sound_tip(code.tip)
        if code.additional is not None:
            objects.append(_sound_additional(code.additional))
        common = "".join(objects)
        if not (common.isascii() and common.isprintable()):
            return None
        if code.language is not None:
            objects.append(_sound_language(code.language))
    except (KeyError, TypeError, UnicodeEncodeError):  # no head for a length or identifier, None, half a character
        return None
    objects.sort()  # each begins with its identifier
    return "".join(objects)


def _sound_values(heads: tuple[Heads, ...], values: Iterable[str | None]) -> list[str]:
    return [head[len(value)] + value for head, value in zip(heads, values, strict=True) if value is not None]


def _sound_account(account: Account) -> str:
    fields = account.fields
    if "00" in fields and account.tag not in CARD_IDS and not account.text:
        text = "".join([_FIELD_HEADS[tag][len(value)] + value for tag, value in sorted(fields.items())])
    elif not fields and account.tag in CARD_IDS:
        text = account.text
    else:
        raise KeyError(account.tag)
    return _TEMPLATE_HEADS[account.tag][len(text)] + text


def _sound_tip(tip: Tip) -> list[str]:
    fixed, percentage = tip.fixed is not None, tip.percentage is not None
    if (fixed, percentage) != (tip.indicator == TIP_FIXED, tip.indicator == TIP_PERCENTAGE):
        raise KeyError("55")
    values = _tip_values(tip)
    for match, value in zip(_TIP_MATCHES, values, strict=True):
        if value is not None and match(value) is None:
            raise KeyError("55")
    return _sound_values(_TIP_HEADS, values)


def _sound_additional(additional: Additional) -> str:
    if additional.templates or additional.reserved or additional.text or additional.consumer_data_request is not None:
        raise KeyError("62")
    text = "".join(_sound_values(_ADDITIONAL_HEADS, _additional_values(additional)))
    return _TEMPLATE_HEADS["62"][len(text)] + text


def _sound_language(language: Language) -> str:
    if _is_language(language.language) is None or language.name is None or language.reserved or language.text:
        raise KeyError("64")
    values = (value and normalize("NFC", value) for value in _language_values(language))
    text = "".join(_sound_values(_LANGUAGE_HEADS, values))
    if CONTROLS.search(text) is not None:
        raise KeyError("64")
    text.encode()
    return _TEMPLATE_HEADS["64"][len(text)] + text
