"""What a payer, and the hub on the payer's way, will do: one row for each behaviour of the contract.

The flows ask a plan's fields and never compare behaviour names.
"""

import re
from typing import Final, Literal, get_args

import msgspec

from merchant.demo.simulator.world import World

Behaviour = Literal["accept", "reject", "silent", "late", "twice", "reorder", "amount", "drop", "unknown", "ask"]
MSISDN: Final = re.compile(r"[0-9]{6,15}\Z")  # E.164 without its plus, as on the wire


class Plan(msgspec.Struct, frozen=True):
    """How one payment goes; the defaults are those of a payer who says yes."""

    decision: Literal["pay", "reject", "ignore"] = "pay"
    # The payer's number is known to the hub.
    is_known: bool = True
    # The payer acts only after the expiry of the request or, without one, of the quote.
    acts_late: bool = False
    # How often each message is sent.
    copies: int = 1
    # RECEIVED comes after the transfer, and PATCH before the answer to the fulfilment.
    swaps_order: bool = False
    # Another amount than the one asked for is quoted or, on a scanned code, transferred.
    alters_amount: bool = False
    # The final PATCH never arrives.
    loses_notice: bool = False
    # Someone holds the phone: a request waits for their answer, until it expires.
    waits: bool = False
    delay_s: float | None = None


PLANS: Final[dict[str, Plan]] = {
    "accept": Plan(),
    "reject": Plan(decision="reject"),
    "silent": Plan(decision="ignore"),
    "late": Plan(acts_late=True),
    "twice": Plan(copies=2),
    "reorder": Plan(swaps_order=True),
    "amount": Plan(alters_amount=True),
    "drop": Plan(loses_notice=True),
    "unknown": Plan(is_known=False),
    "ask": Plan(waits=True),
}
# A number that the control has not touched behaves by its last digit: 1 accept … 9 unknown. Only the control makes one
# wait for an answer.
_BY_LAST_DIGIT: Final = ("accept", *get_args(Behaviour)[:9])


def normal_msisdn(text: str) -> str:
    """Digits of a phone number given with or without a plus. Raises ValueError when it is none."""
    digits = text.removeprefix("+")
    if not MSISDN.match(digits):
        raise ValueError(f"{text!r} is no phone number of 6 to 15 digits")
    return digits


def behaviour_of(world: World, msisdn: str) -> str:
    """What the control set for a number, else what its last digit says (0 accepts)."""
    payer = world.payers.get(msisdn)
    return payer.behaviour if payer else _BY_LAST_DIGIT[int(msisdn[-1])]


def plan_of(world: World, msisdn: str) -> Plan:
    """The plan of a number, with its own delay if the control set one."""
    payer = world.payers.get(msisdn)
    plan = PLANS[behaviour_of(world, msisdn)]
    return msgspec.structs.replace(plan, delay_s=payer.delay_s) if payer else plan
