"""From files that land in hot folders to rows in the ledger."""
