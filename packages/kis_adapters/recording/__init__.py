"""Sessions on record: every answer that the engine got, and the replay that checks them."""
