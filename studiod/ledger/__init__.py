"""The ledger: every item, file, decision and event of a studio, in one SQLite database.

engine: open, migrate, back up.  records: what goes in and comes out.  queue: the daemon's side.
delivery: approved items on their way out.  prices: the price gate's changes.  review: what people do.
looks: what they looked at.  touchup: strokes, and what goes to a retoucher and comes back.
reading: what lists and screens show.  period, judgements: what the report and the calibration ask for.
"""
