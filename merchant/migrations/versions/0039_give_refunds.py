"""Keep refunds with their history, and who paid, so that money can go back to them."""

from alembic import op

revision = "0039"
down_revision = "0038"

TABLES = (
    """
    CREATE TABLE refund (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid NOT NULL REFERENCES merchant (id),
        counter_id uuid NOT NULL REFERENCES counter (id),
        payment_id uuid NOT NULL REFERENCES payment (id),
        state varchar NOT NULL,
        amount_minor bigint NOT NULL,
        currency varchar NOT NULL,
        reason varchar NOT NULL,
        words varchar,
        payee_type varchar NOT NULL,
        payee_sealed bytea,
        payee_masked varchar,
        payee_fsp_id varchar NOT NULL,
        transaction_id varchar NOT NULL UNIQUE,
        quote_id varchar NOT NULL UNIQUE,
        transfer_id varchar NOT NULL UNIQUE,
        promise varchar,
        lock varchar,
        gives_back boolean NOT NULL,
        maker_id uuid NOT NULL,
        maker_name varchar NOT NULL,
        checker_id uuid,
        checker_name varchar,
        channel varchar NOT NULL,
        steps integer NOT NULL,
        late boolean NOT NULL,
        reason_code varchar,
        reason_message varchar,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        check_at timestamptz,
        refunded_at timestamptz
    )
    """,
    "CREATE INDEX ix_refund_dfsp_id ON refund (dfsp_id)",
    "CREATE INDEX refund_of_payment ON refund (payment_id)",
    "CREATE INDEX refund_listed ON refund (dfsp_id, id)",
    "CREATE INDEX refund_of_merchant ON refund (merchant_id, id)",
    "CREATE INDEX refund_due ON refund (check_at) WHERE check_at IS NOT NULL",
    "CREATE INDEX refund_payee_kept ON refund (created_at) WHERE payee_sealed IS NOT NULL",
    """
    CREATE TABLE refund_event (
        refund_id uuid NOT NULL REFERENCES refund (id),
        seq integer NOT NULL,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        at timestamptz NOT NULL,
        state varchar NOT NULL,
        cause varchar NOT NULL,
        detail varchar,
        PRIMARY KEY (refund_id, seq)
    )
    """,
)
GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON refund, refund_event TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON refund TO merchant_app",
    "GRANT SELECT, INSERT ON refund_event TO merchant_app",
)
# The rule of every tenant's table, as 0001 has it.
WALL = """
    DO $$
    DECLARE
        walled text;
        rule CONSTANT text := $rule$
            dfsp_id = CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                           ELSE current_setting('app.dfsp_id', true)::uuid END
            OR current_setting('app.dfsp_id', true) = 'hub'
        $rule$;
    BEGIN
        FOREACH walled IN ARRAY ARRAY['refund', 'refund_event'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""
COLUMNS = (
    "ALTER TABLE quote ADD COLUMN payer_sealed bytea",
    "ALTER TABLE payment ADD COLUMN payer_sealed bytea",
)


def upgrade() -> None:
    for statement in (*TABLES, *GRANTS, WALL, *COLUMNS):
        op.execute(statement)
