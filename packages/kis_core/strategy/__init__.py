"""The trend + ATR strategy: indicators over completed bars, and the decision."""
