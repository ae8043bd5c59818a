"""Keep every version of the screening lists, with its bytes, so that all programs screen against the same ones."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    """
    CREATE TABLE list_version (
        id uuid PRIMARY KEY,
        source varchar NOT NULL,
        form varchar NOT NULL,
        state varchar NOT NULL,
        sha256 varchar NOT NULL,
        published_on date NOT NULL,
        fetched_at timestamptz NOT NULL,
        checked_at timestamptz NOT NULL,
        entry_count integer NOT NULL,
        added_count integer NOT NULL,
        removed_count integer NOT NULL,
        changed_count integer NOT NULL,
        problem varchar,
        replaces uuid,
        put_by uuid NOT NULL,
        confirmed_by uuid,
        confirmed_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX list_version_in_force ON list_version (source) WHERE state = 'in_force'",
    "CREATE INDEX list_version_of_source ON list_version (source, id)",
    """
    CREATE TABLE list_chunk (
        version_id uuid NOT NULL REFERENCES list_version (id),
        position integer NOT NULL,
        packed bytea,
        packed_sealed bytea,
        PRIMARY KEY (version_id, position),
        CONSTRAINT list_chunk_one_form CHECK (num_nonnulls(packed, packed_sealed) = 1)
    )
    """,
    # A version is what it was when it was put: only which one counts, and what seals a private one, ever change.
    "GRANT SELECT, INSERT, UPDATE (state, checked_at, confirmed_by, confirmed_at) ON list_version TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE (packed_sealed) ON list_chunk TO merchant_system",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
