"""Alembic's entry: runs the migrations on the connection that merchant.migrations opened, or prints their SQL.

Alembic loads this file by its path when `upgrade` runs; the tables it is told of are all of merchant.schema.
"""

from alembic import context

from merchant.migrations import TIMEOUTS
from merchant.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    dialect_name="postgresql",
    target_metadata=metadata,
    compare_type=True,
    transaction_per_migration=True,
)
if context.is_offline_mode():
    for statement in TIMEOUTS:
        context.execute(statement)
with context.begin_transaction():
    context.run_migrations()
