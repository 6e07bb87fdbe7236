"""The database's schema, release by release (alembic)."""
