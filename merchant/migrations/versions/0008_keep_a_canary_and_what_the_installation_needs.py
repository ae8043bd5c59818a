"""Keep a sealed canary, by which a wrong secret key is noticed, and a row about the installation itself."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    CREATE TABLE vault_canary (
        id integer PRIMARY KEY,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    # oldest_revision: a program that knows no revision as new as this must not run here. A migration that drops or
    # renames what an older program uses raises it.
    """
    CREATE TABLE installation (
        id integer PRIMARY KEY,
        oldest_revision varchar NOT NULL,
        restored_at timestamptz,
        reconciled_at timestamptz
    )
    """,
    "INSERT INTO installation (id, oldest_revision) VALUES (1, '0005')",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON vault_canary, installation TO merchant_system",
    # So that a login which owns nothing can look whether the schema is current.
    "GRANT SELECT ON alembic_version TO merchant_system",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
