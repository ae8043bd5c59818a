"""USSD dialogue engine: a shopper pays, a merchant looks up payments, on any handset.

Pure: no database, network, clock or environment. A gateway decodes a `Call` into a `Step`; `step` takes it with
the stored `Session`, asks the caller's `Backend`, and gives the next session and a `Reply`, which the gateway encodes.
"""

from ussd.backend import Backend
from ussd.dialogue import busy, later, may_act, misunderstood, step, unsure
from ussd.gateways import GATEWAYS
from ussd.session import BadStep, Reply, Session, Step, decode_session, encode_session, session_goes_on
from ussd.shopping import MerchantView, OwnRequest, PaidShop, PaymentOrder, PaymentOutcome, ShopperBackend
from ussd.signing_up import (
    CodeOutcome,
    SignUpBackend,
    SignUpDfsp,
    SignUpField,
    SignUpForm,
    SignUpOrder,
    SignUpOutcome,
    SignUpStatus,
)
from ussd.text_messages import Told, text_message
from ussd.trade import (
    CashierLine,
    Currency,
    CurrencyRoom,
    Demand,
    DemandOutcome,
    MerchantBackend,
    NewCashier,
    OwnCounter,
    PaymentLine,
    Refund,
    RefundOutcome,
    RequestLine,
    ShopLimits,
    Taking,
)
from ussd.wire import Answer, Call, Gateway, Route

__version__ = "0.1.0"

__all__ = [
    "GATEWAYS",
    "Answer",
    "Backend",
    "BadStep",
    "Call",
    "CashierLine",
    "CodeOutcome",
    "Currency",
    "CurrencyRoom",
    "Demand",
    "DemandOutcome",
    "Gateway",
    "MerchantBackend",
    "MerchantView",
    "NewCashier",
    "OwnCounter",
    "OwnRequest",
    "PaidShop",
    "PaymentLine",
    "PaymentOrder",
    "PaymentOutcome",
    "Refund",
    "RefundOutcome",
    "Reply",
    "RequestLine",
    "Route",
    "Session",
    "ShopLimits",
    "ShopperBackend",
    "SignUpBackend",
    "SignUpDfsp",
    "SignUpField",
    "SignUpForm",
    "SignUpOrder",
    "SignUpOutcome",
    "SignUpStatus",
    "Step",
    "Taking",
    "Told",
    "busy",
    "decode_session",
    "encode_session",
    "later",
    "may_act",
    "misunderstood",
    "session_goes_on",
    "step",
    "text_message",
    "unsure",
]
