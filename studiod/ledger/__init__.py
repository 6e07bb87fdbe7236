"""The ledger: every item, file, decision and event of a studio, in one SQLite database.

engine: open, migrate, back up.  records: what goes in and comes out.  queue: the daemon's side.
delivery: approved items on their way out.  prices: the price gate's changes.  review: what people do.
reading: pages for lists and screens.
"""
