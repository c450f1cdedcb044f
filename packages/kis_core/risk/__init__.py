"""What the account may lose, and what stops it: limits, state, approval, kill switch."""
