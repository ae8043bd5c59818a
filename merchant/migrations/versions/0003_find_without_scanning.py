"""Find what is due, old or one merchant's without reading whole tables; keep a waiting endpoint out of the way."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index("outbox_ready", table_name="outbox")
    op.create_index(
        "outbox_ready", "outbox", ["run_at"], postgresql_where=sa.text("order_key IS NULL AND dead_at IS NULL")
    )
    op.create_index("transfer_of_dfsp", "transfer", ["transfer_id", "dfsp_id"])
    op.create_index("payment_of_merchant", "payment", ["merchant_id", "id"])
    op.create_index(
        "payment_request_of_reference",
        "payment_request",
        ["dfsp_id", "reference", "id"],
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.drop_column("payment_request", "check_at")
    op.add_column("open_reference", sa.Column("look_up_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "open_reference_unanswered",
        "open_reference",
        ["look_up_at"],
        postgresql_where=sa.text("look_up_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_open_reference_counter_id"), "open_reference", ["counter_id"])
    op.create_index("inbox_received", "inbox", ["received_at"], postgresql_using="brin")
    op.create_index("idempotency_key_created", "idempotency_key", ["created_at"], postgresql_using="brin")
    op.create_index("ussd_session_touched", "ussd_session", ["touched_at"])
    op.create_index("quote_answered", "quote", ["created_at"], postgresql_where=sa.text("answer IS NOT NULL"))
