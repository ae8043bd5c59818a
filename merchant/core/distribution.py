"""Where each table lies when an installation has grown past one machine (Citus): the plan, as data.

A payment's rows lie on one shard, that of its DFSP, so that most of its transactions are of one machine. What payments
read of the registry is on every machine. Everything else stays where it was, on the coordinator: what people do in
offices is a thousandth of what tills do. `merchant distribute` (programs/distributing.py) does what is written here.
"""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

# Rows that belong to no DFSP lie in the lane of this one, which no DFSP has: a distribution column is never NULL.
NO_DFSP = UUID(int=0)


class Kind(StrEnum):
    """Where a table's rows lie."""

    DISTRIBUTED = "distributed"  # on the machine to which a column's value leads
    REFERENCE = "reference"  # all of them on every machine
    LOCAL = "local"  # on the coordinator


class Planned(Struct, frozen=True):
    """A table's place, and why. The rest is of a distributed or a reference table.

    `column` leads to the machine; tables of one column lie together. `rekeyed` are its unique indexes that lack the
    column, which is put before their own columns: they are unique within its value then. `unlinked` are foreign keys
    that are given up, since what they refer to lies elsewhere. Other foreign keys are kept, with the column added.
    """

    kind: Kind
    why: str
    column: str = ""
    rekeyed: tuple[str, ...] = ()
    unlinked: tuple[str, ...] = ()


def _by_dfsp(why: str, *rekeyed: str, unlinked: tuple[str, ...] = ()) -> Planned:
    return Planned(Kind.DISTRIBUTED, why, "dfsp_id", rekeyed, unlinked)


def _everywhere(why: str, *unlinked: str) -> Planned:
    return Planned(Kind.REFERENCE, why, unlinked=unlinked)


_PAYMENT = "grows with every payment"
_TOLD = "is told of payments"
_HUB_IDS = "grows with every payment; the hub's ids are unique within the DFSP that they name"
_READ = "payments read it, wherever they are"

_OFFICE = "onboarding and its decisions, by people at desks"
_PEOPLE = "signing in, found by what only the caller knows"
_LISTS = "lists and registers, read whole or by few"
_HOUSE = "about the installation itself"
_AUDIT = "one chain a DFSP, whose triggers look at its own entries"
_USSD = "one dialogue at a time, of a phone and of no DFSP yet"
_FILES = "imports and posters, one job at a time"


def _local(why: str, names: str) -> dict[str, Planned]:
    return {name: Planned(Kind.LOCAL, why) for name in names.split()}


PLAN: Mapping[str, Planned] = {
    # The first is the one beside which the others of its column lie.
    "payment_request": _by_dfsp(_HUB_IDS, "payment_request_pkey", "payment_request_transaction_request_id_key"),
    "payment_event": _by_dfsp(_PAYMENT, "payment_event_pkey"),
    "open_reference": _by_dfsp("opened and closed with its request", "open_reference_pkey"),
    "quote": _by_dfsp(_HUB_IDS, "quote_pkey"),
    "transfer": _by_dfsp(_HUB_IDS, "transfer_pkey", "transfer_payer_fsp_id_quote_id_key"),
    "payment": _by_dfsp(_HUB_IDS, "payment_pkey", "payment_payer_fsp_id_transfer_id_key"),
    "sent_message": _by_dfsp(_PAYMENT, "sent_message_pkey"),
    "refund": _by_dfsp(
        _HUB_IDS, "refund_pkey", "refund_transaction_id_key", "refund_quote_id_key", "refund_transfer_id_key"
    ),
    "refund_event": _by_dfsp(_PAYMENT, "refund_event_pkey"),
    "announced_event": _by_dfsp(_TOLD, "announced_event_pkey"),
    "webhook_delivery": _by_dfsp(_TOLD, "webhook_delivery_pkey"),
    "sms_message": _by_dfsp(_TOLD, "sms_message_pkey"),
    "outbox": _by_dfsp("claimed lane by lane, beside what made the work necessary", "outbox_pkey"),
    "limit_usage": Planned(
        Kind.DISTRIBUTED, "counted for a merchant, whose owner's others may be of other DFSPs", "merchant_id"
    ),
    "idempotency_key": Planned(Kind.DISTRIBUTED, "one row a call, found by who calls", "scope"),
    "alias": Planned(Kind.DISTRIBUTED, "the hub asks who has a number, and knows no DFSP", "alias"),
    # A number is held in any case and with any separators, which no index on the number alone can say of all shards.
    "alias_claim": _everywhere("unique in any form, which holds only where all are together"),
    "dfsp": _everywhere(_READ),
    "merchant": _everywhere(_READ, "merchant_application_id_fkey"),
    "location": _everywhere(_READ),
    "counter": _everywhere(_READ),
    "webhook_endpoint": _everywhere(_READ),
    "notification_choice": _everywhere(_READ, "notification_choice_user_id_fkey"),
    # The store of messages is where they are acknowledged: the machine that the hub's callbacks reach.
    **_local("messages are stored and told apart before it is known whose they are", "inbox"),
    **_local(
        _OFFICE,
        "application application_identifier application_version decision document loose_file verification phone_code"
        " screening_decision hit_decision released_hit risk_override legal_hold erasure merchant_claim merchant_block"
        " blocked_identifier code_report price_key ended_sticker policy_layer merchant_search search_key alias_count",
    ),
    **_local(
        _PEOPLE,
        "app_user user_session account_token known_device sign_in_failure passkey passkey_challenge one_time_code"
        " api_key event_ticket security_event",
    ),
    **_local(_AUDIT, "audit_entry audit_head audit_reason audit_check audit_secret"),
    **_local(_LISTS, "list_version list_chunk lei_record lei_load"),
    **_local(_HOUSE, "scheme scheme_key installation vault_canary worker_heartbeat"),
    **_local(_USSD, "ussd_phone ussd_route ussd_session"),
    **_local(_FILES, "import_job import_batch poster_batch email_message outgoing_mail"),
}
