"""Keep which messages people chose, and every message to a person with what became of it."""

from alembic import op

revision = "0035"
down_revision = "0034"

COLUMNS = (
    # All texts before were of payments. Private texts are kept from now on too: without their words, and some of
    # them are about no merchant yet.
    """
    ALTER TABLE sms_message
        ADD COLUMN kind varchar NOT NULL DEFAULT 'paid',
        ADD COLUMN reason varchar,
        ADD COLUMN held_until timestamptz,
        ADD COLUMN amount_minor bigint,
        ADD COLUMN currency varchar
    """,
    # Those who read a text join its merchant, and do not find a private one.
    """
    -- squawk-ignore ban-drop-not-null
    ALTER TABLE sms_message ALTER COLUMN merchant_id DROP NOT NULL
    """,
)
TABLES = (
    """
    CREATE TABLE notification_choice (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid REFERENCES merchant (id),
        user_id uuid REFERENCES app_user (id),
        sms_kinds text[] NOT NULL,
        email_kinds text[] NOT NULL,
        quiet_from time,
        quiet_until time,
        changed_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_notification_choice_dfsp_id ON notification_choice (dfsp_id)",
    "CREATE UNIQUE INDEX notification_choice_of_merchant ON notification_choice (merchant_id)"
    " WHERE merchant_id IS NOT NULL",
    "CREATE UNIQUE INDEX notification_choice_of_user ON notification_choice (user_id) WHERE user_id IS NOT NULL",
    "CREATE INDEX notification_choice_of_staff ON notification_choice (dfsp_id) WHERE user_id IS NOT NULL",
    """
    CREATE TABLE email_message (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid REFERENCES merchant (id),
        kind varchar NOT NULL,
        address_masked varchar NOT NULL,
        text varchar NOT NULL,
        state varchar NOT NULL,
        reason varchar,
        held_until timestamptz,
        created_at timestamptz NOT NULL,
        sent_at timestamptz
    )
    """,
    "CREATE INDEX ix_email_message_dfsp_id ON email_message (dfsp_id)",
    "CREATE INDEX ix_email_message_merchant_id ON email_message (merchant_id)",
    "CREATE INDEX email_message_listed ON email_message (dfsp_id, id)",
    "CREATE INDEX email_message_with_text ON email_message (created_at) WHERE text <> ''",
    "CREATE INDEX email_message_blank ON email_message (created_at) WHERE text = ''",
)
GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON notification_choice, email_message TO merchant_app, merchant_system",
)
# The rule of every tenant's table, as 0001 has it.
WALL = """
    DO $$
    DECLARE
        rule CONSTANT text := $rule$
            dfsp_id = CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                           ELSE current_setting('app.dfsp_id', true)::uuid END
            OR current_setting('app.dfsp_id', true) = 'hub'
        $rule$;
        walled text;
    BEGIN
        FOREACH walled IN ARRAY ARRAY['notification_choice', 'email_message'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""
INDEXES = {
    "sms_message_listed": "sms_message (dfsp_id, id)",
    "sms_message_with_text": "sms_message (created_at) WHERE text <> ''",
    "sms_message_blank": "sms_message (created_at) WHERE text = ''",
    "sms_message_held": "sms_message (merchant_id) WHERE state = 'held'",
}
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('{name}') AND NOT indisvalid) THEN
            DROP INDEX {name};
        END IF;
    END $$
"""


def upgrade() -> None:
    for name in INDEXES:
        op.execute(DROP_UNFINISHED.format(name=name))
    # Outside a transaction: the table is in use.
    with op.get_context().autocommit_block():
        for name, place in INDEXES.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {place}")
    for statement in (*COLUMNS, *TABLES, *GRANTS, WALL):
        op.execute(statement)
