"""Alembic's entry: runs the migrations on the connection that merchant.migrations opened, or prints their SQL.

Alembic loads this file by its path. It is told of no tables: migrations are written by hand (CONTRIBUTING.md).
"""

from alembic import context

from merchant.migrations import TIMEOUTS

context.configure(
    connection=context.config.attributes["connection"],
    dialect_name="postgresql",
    transaction_per_migration=True,
)
if context.is_offline_mode():
    for statement in TIMEOUTS:
        context.execute(statement)
with context.begin_transaction():
    context.run_migrations()
