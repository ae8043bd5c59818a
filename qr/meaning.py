"""What a code means for its payer, in words: who decides the amount, whether it is used once, what the wallet asks.

A scheme may say so in its own account: the address of a charge (Pix), a flag that the amount may be changed (PayNow).
Its profile names such fields by their `role`.
"""

from __future__ import annotations

from typing import Literal

from qr.amounts import is_amount, tell
from qr.emv import (
    ADDITIONAL_FIELDS,
    ASK_PAYER,
    DYNAMIC,
    ROOT_FIELDS,
    STATIC,
    TIP_FIXED,
    TIP_PERCENTAGE,
    TIP_PROMPT,
    VALUE_PATHS,
    Account,
    MerchantCode,
)
from qr.profile import Profile, Role, TemplateRule

Initiation = Literal["static", "dynamic", "unstated"]
Recognised = list[tuple[Profile, TemplateRule, Account]]

_INITIATIONS: dict[str | None, Initiation] = {STATIC: "static", DYNAMIC: "dynamic"}
_LABELS = tuple((f"62.{field.tag}", field.title) for field in ADDITIONAL_FIELDS)
_CONSUMER_DATA = {"A": "address", "M": "mobile number", "E": "e-mail address"}
_EDITABLE = frozenset(("1", "11"))  # 11 in ELQR, whose 12 forbids it
_MATCH = {field.tag: field.match for field in ROOT_FIELDS}
# Who holds the account identifiers 02 to 25 (EMV MPM table 4.1); EMVCo keeps the others.
CARDS = {
    "02": "Visa",
    "03": "Visa",
    "04": "Mastercard",
    "05": "Mastercard",
    "09": "Discover",
    "10": "Discover",
    "11": "American Express",
    "12": "American Express",
    "13": "JCB",
    "14": "JCB",
    "15": "UnionPay",
    "16": "UnionPay",
}


def role_value(known: Recognised, role: Role) -> str | None:
    """The value of the first field with this role in the recognised accounts."""
    for _, rule, account in known:
        tag = rule.roles.get(role)
        if tag is not None and tag in account.fields:
            return account.fields[tag]
    return None


def initiation(code: MerchantCode | None, known: Recognised) -> Initiation:
    """By object 01, or where a scheme tells it elsewhere, by the scheme's case of that name or a charge's address."""
    if code is None:
        return "unstated"
    if code.point_of_initiation is not None:
        return _INITIATIONS.get(code.point_of_initiation, "unstated")
    if role_value(known, "charge") is not None:
        return "dynamic"
    for profile in dict.fromkeys(profile.id for profile, _, _ in known):
        cases = next(each.cases for each, _, _ in known if each.id == profile)
        for case in cases:
            if case.name == "dynamic":
                return "dynamic" if case.applies(code) else "static"
    return "unstated"


def amount_in_words(code: MerchantCode | None, known: Recognised) -> str:
    """Who decides what is paid, in words."""
    if code is None:
        return ""
    words = _asked(code, known)
    tip = code.tip
    if tip is None:
        return words
    if tip.indicator == TIP_PROMPT:
        return f"{words}, and may add a tip"
    if tip.indicator == TIP_FIXED:
        return words + _fee("56", tip.fixed, code.currency, "")
    if tip.indicator == TIP_PERCENTAGE:
        return words + _fee("57", tip.percentage, None, " %")
    return words if tip.indicator is None else f"{words}, with a tip rule that cannot be read ({tip.indicator!r})"


def _asked(code: MerchantCode, known: Recognised) -> str:
    amount, charge = code.amount, role_value(known, "charge")
    if amount is None:
        return f"the amount is in the charge at {charge}" if charge is not None else "the payer types the amount"
    if _MATCH["54"](amount) is None:
        zero = is_amount(amount) and not amount.strip("0.")
        return f"the amount is zero ({amount!r})" if zero else f"the amount cannot be read ({amount!r})"
    told = _told(amount, code.currency, known)
    if charge is not None:
        return f"{told} is shown, and the charge at {charge} decides"
    if role_value(known, "editable") in _EDITABLE:
        return f"{told} is proposed, the payer may change it"
    return f"{told} is asked"


def _told(amount: str, currency: str | None, known: Recognised) -> str:
    """The amount as a person reads it; where the scheme counts hundredths, in whole units, and how it is written."""
    if "." in amount or not any(profile.minor_units for profile, _, _ in known):
        return tell(amount, currency)
    digits = amount.lstrip("0").rjust(3, "0")
    return f"{digits[:-2]}.{digits[-2:]} (written as {amount.lstrip('0')} hundredths)"


def _fee(tag: str, fee: str | None, currency: str | None, unit: str) -> str:
    """The fee in words; nothing when it is absent or zero."""
    if fee is None or (is_amount(fee) and not fee.strip("0.")):
        return ""
    if _MATCH[tag](fee) is None:
        return f", plus a fee that cannot be read ({fee!r})"
    return f", plus a fee of {tell(fee, currency)}{unit}"


def asks(code: MerchantCode | None, known: Recognised) -> tuple[str, ...]:
    """What the wallet must ask its user for."""
    if code is None or code.additional is None:
        return ()
    silent = {path for profile, _, _ in known for path in profile.silent}
    labels = [title for path, title in _LABELS if path not in silent and VALUE_PATHS[path](code) == ASK_PAYER]
    wanted = code.additional.consumer_data_request or ""
    return (*labels, *(words for letter, words in _CONSUMER_DATA.items() if letter in wanted))
