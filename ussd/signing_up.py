"""What a person who opens a shop is asked, and what the dialogue asks of the service for it.

The answers are personal: they live in the sealed session, and go with it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal, Protocol

from msgspec import Struct

FIELD_UNITS_MAX: Final = 60  # of a name or a place; so a session stays below its size
ID_UNITS_MAX: Final = 32
_PARTED: Final = re.compile(r"([0-9]{1,2})[/.,\- ]+([0-9]{1,2})[/.,\- ]+([0-9]{4})")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[/.,\- ]+([0-9]{1,2})[/.,\- ]+([0-9]{1,2})")
_TOGETHER: Final = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
_TOGETHER_YEAR_FIRST: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR: Final = re.compile(r"[0-9]{4}")
_FIRST_YEAR: Final = 1900  # whoever is older opens a shop with the help of the DFSP's staff

SignUpScreen = Literal[
    "sign_up",
    "sign_up_status",
    "sign_up_name",
    "sign_up_business",
    "sign_up_kind",
    "sign_up_town",
    "sign_up_id",
    "sign_up_birth",
    "sign_up_dfsp",
    "sign_up_consent",
    "sign_up_code",
]
SignUpField = Literal["name", "business", "town", "id", "birth"]
# What the number is called when it is a list of choices on a handset: category codes of ISO 18245.
KINDS: Final[Mapping[str, str]] = {
    "kind.food": "5499",
    "kind.groceries": "5411",
    "kind.meals": "5812",
    "kind.clothes": "5651",
    "kind.phones": "4812",
    "kind.beauty": "7230",
    "kind.rides": "4121",
    "kind.repairs": "7699",
    "kind.goods": "5999",
    "kind.services": "7299",
}


class SignUpForm(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The answers so far, as they were typed; `born` is ISO 8601, or a year where the identity card has no more."""

    name: str = ""
    business: str = ""
    mcc: str = ""
    town: str = ""
    id_number: str = ""
    born: str = ""
    dfsp_id: str = ""
    dfsp: str = ""


class SignUpDfsp(Struct, frozen=True):
    """A DFSP that takes new merchants."""

    id: str
    name: str


class SignUpStatus(Struct, frozen=True):
    """Where a phone's application stands; `none` also where a new one may be made.

    `checking` is in the hands of the DFSP, `returned` asks for something that a telephone cannot give, `number` is that
    of the approved shop, `reason` says why it was refused, `taken` is a phone that belongs to somebody's account.
    """

    state: Literal["none", "checking", "returned", "approved", "refused", "taken"]
    dfsp: str = ""
    number: str = ""
    reason: str = ""


class SignUpOrder(Struct, frozen=True):
    """Make an application of these answers, once per `key`, in the person's language; `code` if one was asked for."""

    key: str
    msisdn: str
    language: str
    form: SignUpForm
    code: str | None = None


# `sent` is handed in. Else nothing was made: a wrong code may be typed again, of a locked phone no code is taken for
# hours, a phone or an id has an application or an account already, and `refused` is any other reason.
SignUpOutcome = Literal["sent", "wrong_code", "locked", "phone_taken", "id_taken", "refused"]
CodeOutcome = Literal["sent", "spent", "not_needed"]


class SignUpBackend(Protocol):
    """What the sign-up asks of the service. `send_sign_up_code` and `sign_up` have an effect."""

    async def sign_up_status(self, msisdn: str) -> SignUpStatus:
        """Where this phone's application stands."""

    async def sign_up_dfsps(self) -> Sequence[SignUpDfsp]:
        """The DFSPs that take new merchants, always in the same order."""

    async def sign_up_faults(self, form: SignUpForm) -> Mapping[SignUpField, str]:
        """A code for each answer that the service would not take; those not yet given have none."""

    async def send_sign_up_code(self, msisdn: str, language: str, form: SignUpForm) -> CodeOutcome:
        """Send a code by text where the DFSP's policy asks for one; `spent` when there were too many."""

    async def sign_up(self, order: SignUpOrder) -> SignUpOutcome:
        """Make the application and hand it in."""


def read_birth(text: str) -> str | None:
    """A date of birth as people write it, day before month: ISO 8601, or the year alone. None for anything else.

    Eight digits are read as day, month and year, or as year, month and day: no year of a living person lets both be.
    """
    text = text.strip()
    if _YEAR.fullmatch(text):
        return text if int(text) >= _FIRST_YEAR else None
    for pattern, order in (
        (_PARTED, (2, 1, 0)),
        (_YEAR_FIRST, (0, 1, 2)),
        (_TOGETHER, (2, 1, 0)),
        (_TOGETHER_YEAR_FIRST, (0, 1, 2)),
    ):
        if found := pattern.fullmatch(text):
            year, month, day = (int(found.groups()[place]) for place in order)
            if year >= _FIRST_YEAR and (read := _day(year, month, day)):
                return read
    return None


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
