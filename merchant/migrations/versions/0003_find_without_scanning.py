"""Find what is due, old or one merchant's without reading whole tables; keep a waiting endpoint out of the way."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "DROP INDEX outbox_ready",
    "CREATE INDEX outbox_ready ON outbox (run_at) WHERE order_key IS NULL AND dead_at IS NULL",
    "CREATE INDEX transfer_of_dfsp ON transfer (transfer_id, dfsp_id)",
    "CREATE INDEX payment_of_merchant ON payment (merchant_id, id)",
    """
    CREATE INDEX payment_request_of_reference ON payment_request (dfsp_id, reference, id)
        WHERE reference IS NOT NULL
    """,
    "ALTER TABLE payment_request DROP COLUMN check_at",
    "ALTER TABLE open_reference ADD COLUMN look_up_at timestamptz",
    "CREATE INDEX open_reference_unanswered ON open_reference (look_up_at) WHERE look_up_at IS NOT NULL",
    "CREATE INDEX ix_open_reference_counter_id ON open_reference (counter_id)",
    "CREATE INDEX inbox_received ON inbox USING brin (received_at)",
    "CREATE INDEX idempotency_key_created ON idempotency_key USING brin (created_at)",
    "CREATE INDEX ussd_session_touched ON ussd_session (touched_at)",
    "CREATE INDEX quote_answered ON quote (created_at) WHERE answer IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
