"""The life of an order: its events, its state, its identity, its fills."""
