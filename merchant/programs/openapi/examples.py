"""Request bodies that work as they stand, by the struct that decodes them.

api.py puts them into the document, where tools and readers copy them from; a test decodes each.
"""

import base64
from typing import Any

from merchant.channels.pictures import CodeLogo
from merchant.channels.poster_routes import NewBatch
from merchant.channels.qr import NewSticker, ScannedCode, StaticCode
from merchant.compliance.cases.blocking.schemas import NewBlock
from merchant.compliance.cases.case_schemas import Appeal, NewCase, NewRiskBand, NewVerification, NewWaiver
from merchant.compliance.cases.rights.schemas import PersonSought, PersonToErase
from merchant.compliance.cases.schemas import (
    Approval,
    ChangedSections,
    HitDecision,
    NewApplication,
    Returned,
    Reveal,
)
from merchant.compliance.documents.schemas import NewDocument
from merchant.compliance.lists.schemas import NewScreeningList
from merchant.compliance.policies.schemas import NewPolicy
from merchant.compliance.providers.routes import CodeReadOut, NewPhoneCode
from merchant.core.dead_job_routes import DiscardDeadJob, RetryDeadJobs, SkipJob
from merchant.notify.choice_routes import NewNotificationChoices, StaffNotificationChoices
from merchant.notify.events import (
    ApplicationEvent,
    EndpointPing,
    MerchantEvent,
    PaymentReceived,
    PaymentRequestEvent,
    RefundEvent,
)
from merchant.notify.routes import NewEndpoint, Replay
from merchant.payments.price_keys.schemas import NewPriceKey, PriceKeyChange
from merchant.payments.refunds.schemas import RefundRequest
from merchant.payments.schemas import NewPaymentRequest
from merchant.people.account_schemas import (
    AccountClosing,
    NewPassword,
    PasswordChange,
    ResetRequest,
    SignIn,
    TotpCode,
    TotpRemoval,
    TotpStart,
)
from merchant.people.audit_check_routes import NewAuditCheck
from merchant.people.passkey_schemas import NewPasskey, PasskeyRemoval, PasskeySignIn, PasskeyStart
from merchant.people.registration.schemas import (
    ChosenDfsp,
    CodeRequest,
    CodeSignIn,
    NewClaim,
    NewRegistration,
    OwnSections,
    Wish,
)
from merchant.people.schemas import NewApiKey, NewDfsp, NewUser, UserChange
from merchant.people.set_up_routes import FirstOperator
from merchant.registry.merchants.schemas import CounterChange, NewCounter, ReasonGiven
from merchant.scheme.schemas import DfspChange, NewHubKey, Retirement, Rotation, SchemeChangeBody

_BUSINESS = {
    "trading_name": "Mama Njeri Vegetables",
    "legal_name": "Njeri Fresh Produce Limited",
    "kind": "company",
    "mcc": "5499",
    "registration_number": "PVT-2026-001",
    "currencies": ["KES"],
    "employees_band": "1-5",
    "ussd_name": "Mama Njeri",
}
_APPLICATION = {
    "external_ref": "branch-7-0001",
    "business": _BUSINESS,
    "owners": [
        {
            "given_name": "Njeri",
            "family_name": "Wanjiku",
            "birth_date": "1984-05-17",
            "id_type": "national_id",
            "id_number": "12345678",
            "nationality": "KE",
            "phone": "+254711000111",
            "ownership_percent": 100,
            "is_director": True,
        }
    ],
    "contact": {"owner_index": 0},
    "locations": [
        {
            "name": "Wakulima market",
            "kind": "physical",
            "country": "KE",
            "city": "Nairobi",
            "counters": [{"name": "Stall 12"}],
        }
    ],
    "settlement_account": {"account_id": "0123456789", "account_name": "Njeri Fresh Produce", "currency": "KES"},
}
_PAYLOAD = (
    "00020101021126400015org.example.pay0105ALIAS0208523187645204541153034045802KE5915Mama Njeri Shop6007Nairobi"
    "62100706Till 263040DAD"
)
# A single grey pixel.
_LOGO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGPQAAAAKgApazFUcwAAAABJRU5ErkJggg=="
_ID = "01a203bf-ae53-7d31-ac39-1faf8acba904"
# RFC 7517, appendix A.1.
_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}

_OWN_LIST = b"""id,kind,name,aliases,birth_date,country,id_number,reason
17,person,Amara Kiprop,Amarah Kiprop,1979-05-06,KE,passport:AK0456789,opened three shops under other names
"""
# What a browser made of options for https://pay.example.org, and signed with it afterwards.
_CREATED_CREDENTIAL = {
    "id": "ctrn7ETdeUho6_v7qVZAK-wr-3jayKbKsqlID-HNFYY",
    "type": "public-key",
    "response": {
        "clientDataJSON": (
            "eyJ0eXBlIjogIndlYmF1dGhuLmNyZWF0ZSIsICJjaGFsbGVuZ2UiOiAiQUFFQ0F3UUZCZ2NJQ1FvTERBME9EeEFSRWhNVUZS"
            "WVhHQmthR3h3ZEhoOCIsICJvcmlnaW4iOiAiaHR0cHM6Ly9wYXkuZXhhbXBsZS5vcmciLCAiY3Jvc3NPcmlnaW4iOiBmYWxz"
            "ZX0"
        ),
        "attestationObject": (
            "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikK3Gjh_ZXSMY_rUis0tFenE32Q2nvTu3jvZfd88VpTjxFAAAAAAAAAAAA"
            "AAAAAAAAAAAAAAAAIHLa5-xE3XlIaOv7-6lWQCvsK_t42simyrKpSA_hzRWGpQECAyYgASFYIKxz2yQacjmbPgcZtvtBja-C"
            "y21FZXzi6KOMATnEePnrIlggbuhCRjKNF0uea5yS6CXUx1nVwjjufYz6pDrFrWb0LhU"
        ),
        "transports": ["internal", "hybrid"],
    },
}
_USED_CREDENTIAL = {
    "id": "ctrn7ETdeUho6_v7qVZAK-wr-3jayKbKsqlID-HNFYY",
    "type": "public-key",
    "response": {
        "clientDataJSON": (
            "eyJ0eXBlIjogIndlYmF1dGhuLmdldCIsICJjaGFsbGVuZ2UiOiAiSUNFaUl5UWxKaWNvS1NvckxDMHVMekF4TWpNME5UWTNP"
            "RGs2T3p3OVBqOCIsICJvcmlnaW4iOiAiaHR0cHM6Ly9wYXkuZXhhbXBsZS5vcmciLCAiY3Jvc3NPcmlnaW4iOiBmYWxzZX0"
        ),
        "authenticatorData": "K3Gjh_ZXSMY_rUis0tFenE32Q2nvTu3jvZfd88VpTjwFAAAAAQ",
        "signature": "MEUCIEZ9Ei13psPtsyVC0SJ7V2L7_L4Wq-ipbgFXmfZTrvESAiEAgVOQ7qpHNeAxc_Xm5ohEITbNGy37qgc10c9PmhiXEW0",
        "userHandle": "AaIDv65TfTGsOR-visupBA",
    },
}

EXAMPLES: dict[Any, Any] = {
    SignIn: {"email": "maker@greenbankfsp.example", "password": "correct horse battery staple"},
    NewDfsp: {"fsp_id": "greenbankfsp", "name": "Green Bank"},
    DfspChange: {"hub_url": "https://hub.example.org", "hub_urls": {"quotes": "https://quotes.hub.example.org"}},
    NewHubKey: {"fsp_id": "mobilemoney", "jwk": _JWK},
    Retirement: {"at": "2027-01-31T12:00:00Z"},
    Rotation: {},
    NewPolicy: {
        "layer": "scheme",
        "text": 'extends = "generic"\nversion = "2026.2-a"\ngrace = "14d"\n',
        "effective_on": "2027-03-01",
        "note": "Two weeks are enough.",
    },
    SchemeChangeBody: {"name": "Lakeside Instant Payments", "ussd_code": "*384*123#"},
    NewScreeningList: {"form": "own", "content": base64.b64encode(_OWN_LIST).decode()},
    NewUser: {
        "email": "checker@greenbankfsp.example",
        "name": "Wambui Otieno",
        "roles": ["dfsp_checker"],
    },
    UserChange: {"roles": ["dfsp_maker", "dfsp_checker"]},
    PasswordChange: {"current": "correct horse battery staple", "new": "seven quiet baobabs at dusk"},
    NewPassword: {"password": "seven quiet baobabs at dusk"},
    ResetRequest: {"email": "checker@greenbankfsp.example"},
    CodeRequest: {"phone": "+254711000111"},
    CodeSignIn: {"phone": "+254711000111", "code": "402913"},
    NewRegistration: {
        "phone": "+254711000111",
        "code": "402913",
        "dfsp_id": _ID,
        "name": "Njeri Wanjiku",
        "language": "sw",
    },
    NewClaim: {"number": "23187645", "phone": "+254711000111", "code": "402913", "name": "Njeri Wanjiku"},
    OwnSections: {"business": _BUSINESS},
    ChosenDfsp: {"dfsp_id": _ID},
    Wish: {"kind": "upgrade", "target_tier": "T2", "business": _BUSINESS},
    TotpStart: {"password": "correct horse battery staple"},
    AccountClosing: {"password": "correct horse battery staple"},
    FirstOperator: {
        "name": "Amina Otieno",
        "email": "amina@hub.example",
        "password": "correct horse battery staple",
    },
    NewAuditCheck: {},
    TotpCode: {"code": "287082"},
    TotpRemoval: {"code": "287082"},
    PasskeyStart: {"password": "correct horse battery staple"},
    NewPasskey: {"credential": _CREATED_CREDENTIAL, "name": "Work telephone"},
    PasskeyRemoval: {"password": "correct horse battery staple"},
    PasskeySignIn: {"credential": _USED_CREDENTIAL},
    NewApiKey: {"name": "core banking", "scopes": ["payments:request", "payments:read"], "expires_in_days": 365},
    RetryDeadJobs: {"topic": "hub.send"},
    DiscardDeadJob: {"reason": "The payment was settled by hand."},
    SkipJob: {"reason": "The endpoint's owner does not want this event."},
    NewApplication: _APPLICATION,
    ChangedSections: {"business": _BUSINESS},
    Approval: {"version_hash": "a" * 64},
    ReasonGiven: {"reason": "The shop has moved and does not answer."},
    Returned: {"items": [{"path": "owners[0].birth_date", "reason": "Not the date on the identity card."}]},
    HitDecision: {"decision": "false_positive", "reason": "Another year and place of birth."},
    NewDocument: {"purpose": "site_photo", "path": "locations[0]", "keep_place": "true"},
    NewCase: {"kind": "upgrade", "target_tier": "T2", "business": _BUSINESS},
    NewVerification: {
        "attribute": "site",
        "subject": "locations[0]",
        "outcome": "verified",
        "method": "agent_visit",
        "latitude": -1.2864,
        "longitude": 36.8172,
        "note": "The stall stands where the answers say.",
    },
    NewPhoneCode: {"path": "contact.phone"},
    CodeReadOut: {"code": "402913"},
    NewWaiver: {
        "attribute": "address",
        "subject": "locations[0]",
        "expires_on": "2027-03-31",
        "reason": "The road is flooded until the rains end.",
    },
    Appeal: {"reason": "The register has corrected the number since."},
    NewBlock: {"reason_code": "excessive_fraud", "reason": "Forty shoppers in a week got nothing for their money."},
    NewRiskBand: {"band": "high", "reason": "Two complaints of shoppers in a week."},
    PersonSought: {"id_number": "12345678", "reason": "customer_request"},
    PersonToErase: {"phone": "+254711000111", "reason": "person_asked"},
    Reveal: {"path": "owners[0].id_number", "reason": "review"},
    NewCounter: {"location_id": _ID, "name": "Till 2"},
    CounterChange: {"name": "Till 2, by the door"},
    NewPaymentRequest: {
        "counter_id": _ID,
        "payer": {"type": "MSISDN", "id": "+254711000001"},
        "amount": {"amount": "250.50", "currency": "KES"},
        "reference": "order 17",
        "expires_in_s": 300,
    },
    RefundRequest: {"amount": {"amount": "50", "currency": "KES"}, "reason": "CUST"},
    Replay: {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"},
    NewEndpoint: {"url": "https://shop.example/hooks", "event_types": ["payment_request.paid"]},
    NewNotificationChoices: {
        "choices": [{"kind": "not_paid", "channel": "sms", "sent": True}],
        "quiet_from": "22:00",
        "quiet_until": "06:00",
    },
    StaffNotificationChoices: {"email": ["application_submitted", "webhook_paused"]},
    NewPriceKey: {"label": "Tea", "amount": {"amount": "50", "currency": "KES"}, "position": 1},
    PriceKeyChange: {"amount": {"amount": "60", "currency": "KES"}},
    ScannedCode: {"payload": _PAYLOAD},
    CodeLogo: {"logo": _LOGO},
    StaticCode: {"payload": _PAYLOAD, "amount": "250.50", "reference": "order 17"},
    NewSticker: {"reason": "The old one was pasted over.", "old_sticker": "revoked"},
    NewBatch: {"page": "A5", "languages": ["sw", "en"]},
}

_EVENT = {"id": "01a203bf-b1c2-7f00-9a55-0d1f6a2b7c11", "created_at": "2026-03-02T08:15:30.125Z"}
_DFSP_ID = "01a203bf-a0c4-7b11-8e55-3d2f1c0b9a44"
_MERCHANT_ID = "01a203bf-aa11-7c40-8d0e-5b7c2f9e1a22"
_SHOWN_AMOUNT = {"amount": "250.5", "currency": "KES"}
# By the struct of an event's data; the event's own type is added.
EVENT_EXAMPLES: dict[Any, dict[str, Any]] = {
    ApplicationEvent: _EVENT
    | {"data": {"application_id": _ID, "dfsp_id": _DFSP_ID, "version": 1, "merchant_id": _MERCHANT_ID}},
    MerchantEvent: _EVENT | {"data": {"merchant_id": _MERCHANT_ID, "dfsp_id": _DFSP_ID, "state": "suspended"}},
    PaymentReceived: _EVENT
    | {
        "data": {
            "payment_id": _ID,
            "dfsp_id": _DFSP_ID,
            "merchant_id": _MERCHANT_ID,
            "counter_id": _ID,
            "amount": _SHOWN_AMOUNT,
            "payer": "2547*****001",
        }
    },
    PaymentRequestEvent: _EVENT
    | {
        "data": {
            "payment_request_id": _ID,
            "dfsp_id": _DFSP_ID,
            "merchant_id": _MERCHANT_ID,
            "counter_id": _ID,
            "amount": _SHOWN_AMOUNT,
            "state": "paid",
            "late": False,
            "reference": "order 17",
            "payer": "2547*****001",
            "reason": None,
            "paid_at": "2026-03-02T08:15:30.125Z",
            "payment_id": _ID,
            "transfer_id": "7f1c3f0a-6f0a-4d8e-9b53-2b8f1c0d9e77",
        }
    },
    RefundEvent: _EVENT
    | {
        "data": {
            "refund_id": _ID,
            "payment_id": _ID,
            "dfsp_id": _DFSP_ID,
            "merchant_id": _MERCHANT_ID,
            "counter_id": _ID,
            "state": "refunded",
            "amount": _SHOWN_AMOUNT,
            "late": False,
            "reason_code": "CUST",
            "payer": "2547*****001",
            "reason": None,
            "transfer_id": "7f1c3f0a-6f0a-4d8e-9b53-2b8f1c0d9e77",
            "refunded_at": "2026-03-02T08:15:30.125Z",
        }
    },
    EndpointPing: _EVENT | {"data": {"endpoint_id": _ID, "dfsp_id": _DFSP_ID}},
}
