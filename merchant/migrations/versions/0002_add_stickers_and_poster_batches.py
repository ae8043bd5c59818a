"""Add the versions of printed stickers and the print runs of posters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from merchant.migrations.schema import access_statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "ended_sticker",
        sa.Column("counter_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("ended_as", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["counter_id"], ["counter.id"]),
        sa.ForeignKeyConstraint(["dfsp_id"], ["dfsp.id"]),
        sa.PrimaryKeyConstraint("counter_id", "version"),
    )
    op.create_index(op.f("ix_ended_sticker_dfsp_id"), "ended_sticker", ["dfsp_id"], unique=False)
    op.create_table(
        "poster_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dfsp_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("merchant_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("skipped", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("pdf_sha256", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["dfsp_id"], ["dfsp.id"]),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_poster_batch_dfsp_id"), "poster_batch", ["dfsp_id"], unique=False)
    for statement in access_statements(["ended_sticker", "poster_batch"]):
        op.execute(sa.text(statement.replace(":", "\\:")))
