"""Alembic's entry: runs the migrations on the connection that merchant.migrations opened.

Alembic loads this file by its path when `upgrade` runs; the tables it is told of are all of merchant.migrations.schema.
"""

from alembic import context

from merchant.migrations.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
