"""A page on this machine that shows what the trading process has committed; it changes nothing."""
