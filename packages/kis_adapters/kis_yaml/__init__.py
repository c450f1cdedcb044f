"""The strategy file of KIS's own strategy builder and backtester (`*.kis.yaml`)."""
