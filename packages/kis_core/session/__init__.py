"""The trading session: start-up, cycle, order tracking, recovery, close of day."""
