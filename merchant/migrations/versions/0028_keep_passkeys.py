"""Keep passkeys and the challenges that they sign, and which sessions a passkey opened."""

from alembic import op

revision = "0028"
down_revision = "0027"

STATEMENTS = (
    """
    CREATE TABLE passkey (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES app_user (id),
        credential_id bytea NOT NULL UNIQUE,
        public_key bytea NOT NULL,
        sign_count bigint NOT NULL,
        name varchar NOT NULL,
        transports text[] NOT NULL,
        backed_up boolean NOT NULL,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz
    )
    """,
    "CREATE INDEX ix_passkey_user_id ON passkey (user_id)",
    """
    CREATE TABLE passkey_challenge (
        digest bytea PRIMARY KEY,
        user_id uuid REFERENCES app_user (id),
        purpose varchar NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_passkey_challenge_user_id ON passkey_challenge (user_id)",
    "CREATE INDEX ix_passkey_challenge_expires_at ON passkey_challenge (expires_at)",
    "ALTER TABLE user_session ADD COLUMN by_passkey boolean NOT NULL DEFAULT false",
    # The service's own: no tenant's role reads either.
    "GRANT SELECT, INSERT, UPDATE, DELETE ON passkey, passkey_challenge TO merchant_system",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
