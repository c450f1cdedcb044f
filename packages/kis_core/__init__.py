"""The domain of trading Korean stocks: pure values and decisions, no clock, no I/O, no threads."""
