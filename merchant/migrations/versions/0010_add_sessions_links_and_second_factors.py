"""Keep sessions, links that set passwords, second factors, proposed roles, failed sign-ins by source, and mails."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """
    ALTER TABLE app_user
        ADD COLUMN version integer NOT NULL DEFAULT 1,
        ADD COLUMN session_epoch integer NOT NULL DEFAULT 0,
        ADD COLUMN link_epoch integer NOT NULL DEFAULT 0,
        ADD COLUMN password_changed_at timestamptz,
        ADD COLUMN totp_sealed bytea,
        ADD COLUMN totp_confirmed_at timestamptz,
        ADD COLUMN totp_last_step bigint,
        ADD COLUMN recovery_digests bytea[] NOT NULL DEFAULT '{}',
        ADD COLUMN proposed_roles text[],
        ADD COLUMN proposed_enabled boolean,
        ADD COLUMN proposed_by uuid
    """,
    """
    CREATE TABLE user_session (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES app_user (id),
        epoch integer NOT NULL,
        created_at timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        source bytea NOT NULL,
        user_agent varchar NOT NULL
    )
    """,
    "CREATE INDEX ix_user_session_user_id ON user_session (user_id)",
    "CREATE INDEX ix_user_session_expires_at ON user_session (expires_at)",
    """
    CREATE TABLE account_token (
        digest bytea PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES app_user (id),
        kind varchar NOT NULL,
        epoch integer NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )
    """,
    "CREATE INDEX ix_account_token_user_id ON account_token (user_id)",
    "CREATE INDEX ix_account_token_expires_at ON account_token (expires_at)",
    """
    CREATE TABLE sign_in_failure (
        account bytea NOT NULL,
        source bytea NOT NULL,
        count integer NOT NULL,
        last_at timestamptz NOT NULL,
        until timestamptz,
        PRIMARY KEY (account, source)
    )
    """,
    "CREATE INDEX ix_sign_in_failure_last_at ON sign_in_failure (last_at)",
    """
    CREATE TABLE known_device (
        digest bytea PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES app_user (id),
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX known_device_of ON known_device (user_id, expires_at)",
    "CREATE INDEX ix_known_device_expires_at ON known_device (expires_at)",
    """
    CREATE TABLE outgoing_mail (
        id uuid PRIMARY KEY,
        dfsp_id uuid REFERENCES dfsp (id),
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_outgoing_mail_created_at ON outgoing_mail (created_at)",
    """
    GRANT SELECT, INSERT, UPDATE, DELETE ON user_session, account_token, sign_in_failure, known_device, outgoing_mail
        TO merchant_system
    """,
    # Only the service itself reads these.
    "GRANT INSERT ON user_session, account_token, sign_in_failure, known_device, outgoing_mail TO merchant_app",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
