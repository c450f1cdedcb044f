"""The HTML report of a backtest or of an account: one file, readable anywhere."""
