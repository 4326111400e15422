"""Answering now: rows and leads in, scores out, from the version that the ledger says."""
