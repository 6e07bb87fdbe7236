"""Alembic's entry: run the migrations on the connection that `open_ledger` hands over."""

from __future__ import annotations

from alembic import context

from studiod.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
context.run_migrations()
