"""All tables together, and who may touch which: the migrations build exactly this, and a test compares.

Three roles: the owner migrates; `merchant_app` serves people and API keys and sees one DFSP through row-level
security; `merchant_system` is the worker, the oracle and the hub's callbacks, and names tenants in its SQL.
"""

from collections.abc import Iterable

from sqlalchemy import MetaData
from sqlmodel import SQLModel

import merchant.channels.models
import merchant.core.audit
import merchant.core.idempotency
import merchant.core.inbox
import merchant.core.outbox
import merchant.notify.models
import merchant.payments.models
import merchant.people.models
import merchant.registry.aliases.models
import merchant.registry.applications.models
import merchant.registry.codes.stickers
import merchant.registry.merchants.models
import merchant.scheme.keys
import merchant.scheme.models  # noqa: F401
from merchant.core.db import APP_ROLE, HUB_STAFF, SYSTEM_ROLE

metadata: MetaData = SQLModel.metadata

# Tables that every tenant may read whole: the scheme's own facts.
SHARED_TABLES = frozenset({"scheme", "dfsp"})
# Tables that only the service itself reads; the app role may at most add to them.
SYSTEM_TABLES = frozenset({"inbox", "outbox", "scheme_key", "event_ticket", "ussd_session"})
# Tables that the app role only ever adds to.
APPEND_ONLY = frozenset({"audit_entry", "payment_event", "decision", "ended_sticker"})

_NOT_TENANT = SHARED_TABLES | SYSTEM_TABLES


def tenant_tables() -> list[str]:
    """Every table that row-level security walls off."""
    return sorted(set(metadata.tables) - _NOT_TENANT)


def access_statements(tables: Iterable[str]) -> list[str]:
    """The GRANTs and policies of some tables, for the migration that creates them."""
    scope = "current_setting('app.dfsp_id', true)"
    statements = [f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {SYSTEM_ROLE}"]
    for name in tables:
        statements.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {SYSTEM_ROLE}")
        statements.append(f"GRANT {_app_verbs(name)} ON {name} TO {APP_ROLE}")
    statements.append(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}, {SYSTEM_ROLE}")
    for name in tables:
        statements += _policies(name, scope)
    return statements


def _policies(name: str, scope: str) -> list[str]:
    if name in SHARED_TABLES:
        return [
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY everyone_reads ON {name} FOR SELECT TO {APP_ROLE} USING (true)",
            f"CREATE POLICY hub_writes ON {name} TO {APP_ROLE}"
            f" USING ({scope} = '{HUB_STAFF}') WITH CHECK ({scope} = '{HUB_STAFF}')",
            f"CREATE POLICY service ON {name} TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)",
        ]
    if name in SYSTEM_TABLES:
        return []
    own = f"dfsp_id::text = {scope}"
    if name != "idempotency_key":
        # Cast the scope, not the column, so that an index on the column serves.
        own = f"dfsp_id = CASE WHEN {scope} IN ('', '{HUB_STAFF}') THEN NULL ELSE {scope}::uuid END"
    rule = f"{own} OR {scope} = '{HUB_STAFF}'"
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON {name} TO {APP_ROLE} USING ({rule}) WITH CHECK ({rule})",
        f"CREATE POLICY service ON {name} TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)",
    ]


def _app_verbs(name: str) -> str:
    if name in SYSTEM_TABLES:
        return "INSERT"
    return "SELECT, INSERT" if name in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"


ROLE_STATEMENTS = [
    f"""
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN NOBYPASSRLS;
      END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$;
    """
    for role in (APP_ROLE, SYSTEM_ROLE)
] + [f"GRANT {APP_ROLE}, {SYSTEM_ROLE} TO CURRENT_USER"]
