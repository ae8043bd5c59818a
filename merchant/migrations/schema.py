"""All tables together, and who may touch which.

The migrations build exactly this, says tests/merchant/migrations/test_schema.py.
Three roles: the owner migrates; `merchant_app` serves people and API keys and sees one DFSP through row-level
security; `merchant_system` is the worker, the oracle and the hub's callbacks, and names tenants in its SQL.
"""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

import merchant.channels.models
import merchant.compliance.cases.blocking.models
import merchant.compliance.cases.models
import merchant.compliance.cases.rights.models
import merchant.compliance.documents.models
import merchant.compliance.lists.models
import merchant.compliance.policies.models
import merchant.compliance.providers.models
import merchant.compliance.registers.models
import merchant.core.audit
import merchant.core.audit_keys
import merchant.core.canary
import merchant.core.evidence
import merchant.core.heartbeat
import merchant.core.idempotency
import merchant.core.inbox
import merchant.core.installation
import merchant.core.outbox
import merchant.exchange.models
import merchant.notify.models
import merchant.payments.models
import merchant.payments.price_keys.models
import merchant.payments.refunds.models
import merchant.people.models
import merchant.people.registration.models
import merchant.registry.aliases.models
import merchant.registry.codes.reports
import merchant.registry.codes.stickers
import merchant.registry.merchants.models
import merchant.scheme.keys
import merchant.scheme.models  # noqa: F401

metadata: MetaData = SQLModel.metadata

# Tables that every tenant may read whole: the scheme's own facts.
SHARED_TABLES = frozenset({"scheme", "dfsp"})
# Tables of the service itself, in which the app role has no rights at all.
HIDDEN_TABLES = frozenset({"policy_layer", "vault_canary", "installation", "audit_secret", "worker_heartbeat"})
# Versions of lists: the service adds them and says which one counts; what they hold is never changed nor deleted.
VERSION_TABLES = frozenset({"list_version", "list_chunk"})
HIDDEN_TABLES |= VERSION_TABLES
# Copies of public registers: the service replaces their content whole, and changes no row.
HIDDEN_TABLES |= {"lei_record", "lei_load"}
HIDDEN_TABLES |= {"merchant_block", "blocked_identifier", "one_time_code"}
HIDDEN_TABLES |= {"passkey", "passkey_challenge"}
HIDDEN_TABLES |= {"ussd_phone"}
# Tables that only the service itself reads; the app role may at most add to them.
SYSTEM_TABLES = HIDDEN_TABLES | frozenset({"inbox", "outbox", "scheme_key", "event_ticket", "ussd_session"})
SYSTEM_TABLES |= {"user_session", "account_token", "sign_in_failure", "known_device", "outgoing_mail"}
# Tables that the app role only ever adds to.
APPEND_ONLY = frozenset({"audit_entry", "audit_reason", "payment_event", "decision", "ended_sticker", "security_event"})
APPEND_ONLY |= {"hit_decision"}
APPEND_ONLY |= {"import_job", "import_batch"}
APPEND_ONLY |= {"erasure"}
APPEND_ONLY |= {"announced_event"}
APPEND_ONLY |= {"audit_check"}

_NOT_TENANT = SHARED_TABLES | SYSTEM_TABLES


def tenant_tables() -> list[str]:
    """Every table that row-level security walls off. Tests hold routes, grants and policies against it."""
    return sorted(set(metadata.tables) - _NOT_TENANT)
