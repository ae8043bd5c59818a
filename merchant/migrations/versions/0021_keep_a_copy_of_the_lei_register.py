"""Keep a copy of the register of legal entities (LEI), and what is known of the files that it was loaded from."""

from alembic import op

revision = "0021"
down_revision = "0020"

STATEMENTS = (
    """
    CREATE TABLE lei_record (
        lei varchar PRIMARY KEY,
        legal_name varchar NOT NULL,
        country varchar NOT NULL,
        entity_status varchar NOT NULL,
        registration_status varchar NOT NULL,
        next_renewal_on date,
        other_names text[] NOT NULL
    )
    """,
    """
    CREATE TABLE lei_load (
        id uuid PRIMARY KEY,
        sha256 varchar NOT NULL,
        countries text[] NOT NULL,
        file_count integer NOT NULL,
        record_count integer NOT NULL,
        loaded_at timestamptz NOT NULL,
        checked_at timestamptz NOT NULL
    )
    """,
    # A record is what the register published: it goes and comes with its file, and is never changed.
    "GRANT SELECT, INSERT, DELETE ON lei_record TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE (checked_at) ON lei_load TO merchant_system",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
