"""The audit trail: what was committed, one hash-chained line each, for whoever asks afterwards."""
