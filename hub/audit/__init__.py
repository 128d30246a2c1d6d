"""Who did what to what: an append-only log whose entries are chained by hash, so that a gap or an edit shows."""
