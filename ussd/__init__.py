"""USSD dialogue engine: a shopper pays, a merchant looks up payments, on any handset.

Pure: no database, network, clock or environment. A gateway module parses a message into a `Step`; `step`
takes it with the stored `Session`, asks the caller's `Backend`, and gives the next session and a `Reply`.
"""

from ussd.backend import (
    Backend,
    LastRequest,
    MerchantView,
    OwnCounter,
    PaymentLine,
    PaymentOrder,
    PaymentOutcome,
)
from ussd.dialogue import busy, step
from ussd.gateways import GATEWAYS
from ussd.session import BadStep, Reply, Session, Step, decode_session, encode_session

__version__ = "0.1.0"

__all__ = [
    "GATEWAYS",
    "Backend",
    "BadStep",
    "LastRequest",
    "MerchantView",
    "OwnCounter",
    "PaymentLine",
    "PaymentOrder",
    "PaymentOutcome",
    "Reply",
    "Session",
    "Step",
    "busy",
    "decode_session",
    "encode_session",
    "step",
]
