"""Research over completed bars: loading them, backtests, metrics, sweeps.

The strategy is not here. It is imported from `kis_core.strategy`, as the live session imports it.
"""
