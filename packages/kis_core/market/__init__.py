"""Facts of the Korean stock market: symbols, ticks, price limits, costs, sessions."""
