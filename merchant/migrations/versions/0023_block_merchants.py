"""Keep which merchants the hub blocks, and keyed hashes of what identifies their owners."""

from alembic import op

revision = "0023"
down_revision = "0022"

STATEMENTS = (
    """
    CREATE TABLE merchant_block (
        id uuid PRIMARY KEY,
        merchant_id uuid NOT NULL REFERENCES merchant (id),
        reason_code varchar NOT NULL,
        case_id uuid NOT NULL,
        proposed_by uuid NOT NULL,
        proposed_at timestamptz NOT NULL,
        confirmed_by uuid,
        confirmed_at timestamptz,
        unblock_proposed_by uuid,
        unblock_proposed_at timestamptz,
        ended_by uuid,
        ended_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX merchant_block_standing ON merchant_block (merchant_id) WHERE ended_at IS NULL",
    "CREATE INDEX merchant_block_of_merchant ON merchant_block (merchant_id, id)",
    """
    CREATE TABLE blocked_identifier (
        kind varchar NOT NULL,
        digest bytea NOT NULL,
        merchant_id uuid NOT NULL REFERENCES merchant (id),
        reason_code varchar NOT NULL,
        blocked_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (kind, digest, merchant_id)
    )
    """,
    "CREATE INDEX blocked_identifier_of_merchant ON blocked_identifier (merchant_id)",
    "CREATE INDEX blocked_identifier_expires ON blocked_identifier (expires_at)",
    # The hub's alone: no tenant's role reads either.
    "GRANT SELECT, INSERT, UPDATE, DELETE ON merchant_block, blocked_identifier TO merchant_system",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
