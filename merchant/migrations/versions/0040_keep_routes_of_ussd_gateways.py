"""Keep the lines of USSD aggregators, each with a secret of its own."""

from alembic import op

revision = "0040"
down_revision = "0039"

STATEMENTS = (
    """
    CREATE TABLE ussd_route (
        id uuid PRIMARY KEY,
        name varchar NOT NULL UNIQUE,
        gateway varchar NOT NULL,
        service_codes text[] NOT NULL,
        country varchar,
        fields jsonb NOT NULL DEFAULT '{}',
        secret_digest bytea NOT NULL,
        previous_digest bytea,
        previous_until timestamptz,
        trial_digest bytea,
        trial_until timestamptz,
        networks text[] NOT NULL,
        proof_name varchar,
        proof_digest bytea,
        septets integer,
        ucs2_units integer,
        gsm7_only boolean NOT NULL,
        enabled boolean NOT NULL,
        created_at timestamptz NOT NULL,
        rotated_at timestamptz
    )
    """,
    # The service's alone: no tenant's role reads it.
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ussd_route TO merchant_system",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
