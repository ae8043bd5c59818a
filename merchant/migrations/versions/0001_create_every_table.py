"""Create every table, the roles, their rights and the row-level security."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from merchant.migrations.schema import ROLE_STATEMENTS, access_statements

revision = "0001"
down_revision = None


TABLES = [
    "alias",
    "alias_claim",
    "api_key",
    "app_user",
    "application",
    "application_identifier",
    "application_version",
    "audit_entry",
    "audit_head",
    "counter",
    "decision",
    "dfsp",
    "event_ticket",
    "idempotency_key",
    "inbox",
    "limit_usage",
    "location",
    "merchant",
    "open_reference",
    "outbox",
    "payment",
    "payment_event",
    "payment_request",
    "quote",
    "scheme",
    "scheme_key",
    "screening_decision",
    "sms_message",
    "transfer",
    "ussd_session",
    "webhook_delivery",
    "webhook_endpoint",
]


def upgrade() -> None:
    for statement in ROLE_STATEMENTS:
        op.execute(statement)
    op.create_table(
        "audit_entry",
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("dfsp_id", "seq"),
    )
    op.create_table(
        "audit_head",
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("dfsp_id"),
    )
    op.create_table(
        "dfsp",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fsp_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("hub_mode", sa.String(), nullable=False),
        sa.Column("hub_url", sa.String(), nullable=False),
        sa.Column("transfer_mode", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fsp_id"),
    )
    op.create_table(
        "event_ticket",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.String(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    op.create_table(
        "inbox",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=True),
        sa.Column("dfsp_id", sa.Uuid(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "outbox_order",
        "outbox",
        ["order_key", "id"],
        unique=False,
        postgresql_where=sa.text("order_key IS NOT NULL AND dead_at IS NULL"),
    )
    op.create_index("outbox_ready", "outbox", ["run_at"], unique=False, postgresql_where=sa.text("dead_at IS NULL"))
    op.create_table(
        "scheme",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("qr_domain", sa.String(), nullable=False),
        sa.Column("alias_type", sa.String(), nullable=False),
        sa.Column("alias_length", sa.Integer(), nullable=False),
        sa.Column("currencies", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("ussd_code", sa.String(), nullable=False),
        sa.Column("request_expiry_s", sa.Integer(), nullable=False),
        sa.Column("request_expiry_max_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "ussd_session",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("msisdn_digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "session_id"),
    )
    op.create_index(op.f("ix_ussd_session_msisdn_digest"), "ussd_session", ["msisdn_digest"], unique=False)
    op.create_table(
        "alias",
        sa.Column("alias_type", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("sub_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("counter_id", sa.Uuid(), nullable=True),
        sa.Column("external_merchant_id", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("alias_type", "alias", "sub_id", "currency"),
    )
    op.create_index("alias_external", "alias", ["dfsp_id", "external_merchant_id", "currency"], unique=False)
    op.create_index(
        "alias_merchant", "alias", ["merchant_id"], unique=False, postgresql_where=sa.text("merchant_id IS NOT NULL")
    )
    op.create_table(
        "alias_claim",
        sa.Column("alias_type", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("counter_id", sa.Uuid(), nullable=True),
        sa.Column("external_merchant_id", sa.String(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("alias_type", "alias"),
    )
    op.create_index("alias_claim_any_case", "alias_claim", ["alias_type", sa.text("lower(alias)")], unique=True)
    op.create_index(op.f("ix_alias_claim_dfsp_id"), "alias_claim", ["dfsp_id"], unique=False)
    op.create_table(
        "application",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version_hash", sa.String(), nullable=False),
        sa.Column("sections_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("makers", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("checker_id", sa.Uuid(), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("returned_items", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reject_reason", sa.String(), nullable=True),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("trading_name", sa.String(), nullable=False),
        sa.Column("legal_name", sa.String(), nullable=False),
        sa.Column("mcc", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dfsp_id", "external_ref"),
    )
    op.create_index("application_by_state", "application", ["dfsp_id", "state", "id"], unique=False)
    op.create_index(op.f("ix_application_dfsp_id"), "application", ["dfsp_id"], unique=False)
    op.create_table(
        "open_reference",
        sa.Column("alias_type", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("sub_id", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("counter_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("alias_type", "alias", "sub_id"),
    )
    op.create_index(op.f("ix_open_reference_dfsp_id"), "open_reference", ["dfsp_id"], unique=False)
    op.create_index(op.f("ix_open_reference_expires_at"), "open_reference", ["expires_at"], unique=False)
    op.create_index(op.f("ix_open_reference_request_id"), "open_reference", ["request_id"], unique=False)
    op.create_table(
        "scheme_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=True),
        sa.Column("fsp_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("public_pem", sa.String(), nullable=True),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_scheme_key_fsp_id"), "scheme_key", ["fsp_id"], unique=False)
    op.create_table(
        "application_identifier",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("application_id", "path"),
    )
    op.create_index("application_identifier_digest", "application_identifier", ["dfsp_id", "digest"], unique=False)
    op.create_index(op.f("ix_application_identifier_dfsp_id"), "application_identifier", ["dfsp_id"], unique=False)
    op.create_table(
        "application_version",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("version_hash", sa.String(), nullable=False),
        sa.Column("sections_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("makers", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("application_id", "version"),
    )
    op.create_index(op.f("ix_application_version_dfsp_id"), "application_version", ["dfsp_id"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("version_hash", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("checker_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_decision_application_id"), "decision", ["application_id"], unique=False)
    op.create_index(op.f("ix_decision_dfsp_id"), "decision", ["dfsp_id"], unique=False)
    op.create_table(
        "merchant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("trading_name", sa.String(), nullable=False),
        sa.Column("legal_name", sa.String(), nullable=False),
        sa.Column("ussd_name", sa.String(), nullable=False),
        sa.Column("mcc", sa.String(), nullable=False),
        sa.Column("currencies", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("phone_digest", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_masked", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_merchant_application_id"), "merchant", ["application_id"], unique=False)
    op.create_index(op.f("ix_merchant_dfsp_id"), "merchant", ["dfsp_id"], unique=False)
    op.create_index("merchant_by_state", "merchant", ["dfsp_id", "state", "id"], unique=False)
    op.create_table(
        "screening_decision",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hit_id", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.PrimaryKeyConstraint("application_id", "version", "hit_id"),
    )
    op.create_index(op.f("ix_screening_decision_dfsp_id"), "screening_decision", ["dfsp_id"], unique=False)
    op.create_table(
        "app_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=True),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("failed_sign_ins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_index(op.f("ix_app_user_dfsp_id"), "app_user", ["dfsp_id"], unique=False)
    op.create_table(
        "limit_usage",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("taken_minor", sa.BigInteger(), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("merchant_id", "period", "currency"),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_location_dfsp_id"), "location", ["dfsp_id"], unique=False)
    op.create_index(op.f("ix_location_merchant_id"), "location", ["merchant_id"], unique=False)
    op.create_table(
        "sms_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("phone_masked", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sms_message_dfsp_id"), "sms_message", ["dfsp_id"], unique=False)
    op.create_index(op.f("ix_sms_message_merchant_id"), "sms_message", ["merchant_id"], unique=False)
    op.create_table(
        "transfer",
        sa.Column("payer_fsp_id", sa.String(), nullable=False),
        sa.Column("transfer_id", sa.String(length=36), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("usage_day", sa.String(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("payer_fsp_id", "transfer_id"),
        sa.UniqueConstraint("payer_fsp_id", "quote_id"),
    )
    op.create_index(op.f("ix_transfer_request_id"), "transfer", ["request_id"], unique=False)
    op.create_index(
        "transfer_unsettled", "transfer", ["check_at"], unique=False, postgresql_where=sa.text("state = 'RESERVED'")
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_webhook_endpoint_dfsp_id"), "webhook_endpoint", ["dfsp_id"], unique=False)
    op.create_table(
        "counter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("alias_type", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["location.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_counter_alias"), "counter", ["alias"], unique=False)
    op.create_index(op.f("ix_counter_dfsp_id"), "counter", ["dfsp_id"], unique=False)
    op.create_index(op.f("ix_counter_location_id"), "counter", ["location_id"], unique=False)
    op.create_index(op.f("ix_counter_merchant_id"), "counter", ["merchant_id"], unique=False)
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_start", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_webhook_delivery_dfsp_id"), "webhook_delivery", ["dfsp_id"], unique=False)
    op.create_index("webhook_delivery_listed", "webhook_delivery", ["endpoint_id", "created_at"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("counter_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["counter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index(op.f("ix_api_key_dfsp_id"), "api_key", ["dfsp_id"], unique=False)
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("counter_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("payer_fsp_id", sa.String(), nullable=False),
        sa.Column("transfer_id", sa.String(length=36), nullable=False),
        sa.Column("transaction_id", sa.String(length=36), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("payer_masked", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["counter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("payer_fsp_id", "transfer_id"),
    )
    op.create_index("payment_listed", "payment", ["dfsp_id", "id"], unique=False)
    op.create_index("payment_of_counter", "payment", ["counter_id", "id"], unique=False)
    op.create_table(
        "payment_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("counter_id", sa.Uuid(), nullable=False),
        sa.Column("alias_type", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("payer_type", sa.String(), nullable=True),
        sa.Column("payer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("payer_digest", sa.LargeBinary(), nullable=True),
        sa.Column("payer_masked", sa.String(), nullable=True),
        sa.Column("payer_fsp_id", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("short_ref", sa.String(), nullable=False),
        sa.Column("transaction_request_id", sa.String(length=36), nullable=False),
        sa.Column("transaction_id", sa.String(length=36), nullable=True),
        sa.Column("transfer_id", sa.String(length=36), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason_message", sa.String(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["counter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("transaction_request_id"),
    )
    op.create_index(op.f("ix_payment_request_payer_digest"), "payment_request", ["payer_digest"], unique=False)
    op.create_index(op.f("ix_payment_request_transaction_id"), "payment_request", ["transaction_id"], unique=False)
    op.create_index("payment_request_listed", "payment_request", ["dfsp_id", "id"], unique=False)
    op.create_index("payment_request_of_merchant", "payment_request", ["merchant_id", "id"], unique=False)
    op.create_index("payment_request_reference", "payment_request", ["counter_id", "short_ref"], unique=False)
    op.create_table(
        "quote",
        sa.Column("payer_fsp_id", sa.String(), nullable=False),
        sa.Column("quote_id", sa.String(length=36), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("counter_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.String(length=36), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=True),
        sa.Column("payer_masked", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["counter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("payer_fsp_id", "quote_id"),
    )
    op.create_index("quote_condition", "quote", ["condition"], unique=False)
    op.create_index("quote_request", "quote", ["request_id"], unique=False)
    op.create_table(
        "payment_event",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dfsp_id"],
            ["dfsp.id"],
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["payment_request.id"],
        ),
        sa.PrimaryKeyConstraint("request_id", "seq"),
    )
    for statement in access_statements(TABLES):
        op.execute(sa.text(statement.replace(":", "\\:")))
    # A request changes its state some six times: room in the page keeps the changes off the indexes.
    op.execute("ALTER TABLE payment_request SET (fillfactor = 60)")
