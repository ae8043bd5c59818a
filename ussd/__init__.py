"""USSD dialogue engine: a shopper pays, a merchant looks up payments, on any handset.

Pure: no database, network, clock or environment. A gateway decodes a `Call` into a `Step`; `step` takes it with
the stored `Session`, asks the caller's `Backend`, and gives the next session and a `Reply`, which the gateway encodes.
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
from ussd.dialogue import busy, later, may_act, step, unsure
from ussd.gateways import GATEWAYS
from ussd.session import BadStep, Reply, Session, Step, decode_session, encode_session, session_goes_on
from ussd.signing_up import (
    CodeOutcome,
    SignUpDfsp,
    SignUpField,
    SignUpForm,
    SignUpOrder,
    SignUpOutcome,
    SignUpStatus,
)
from ussd.text_messages import Told, text_message
from ussd.wire import Answer, Call, Gateway, Route

__version__ = "0.1.0"

__all__ = [
    "GATEWAYS",
    "Answer",
    "Backend",
    "BadStep",
    "Call",
    "CodeOutcome",
    "Gateway",
    "LastRequest",
    "MerchantView",
    "OwnCounter",
    "PaymentLine",
    "PaymentOrder",
    "PaymentOutcome",
    "Reply",
    "Route",
    "Session",
    "SignUpDfsp",
    "SignUpField",
    "SignUpForm",
    "SignUpOrder",
    "SignUpOutcome",
    "SignUpStatus",
    "Step",
    "Told",
    "busy",
    "decode_session",
    "encode_session",
    "later",
    "may_act",
    "session_goes_on",
    "step",
    "text_message",
    "unsure",
]
