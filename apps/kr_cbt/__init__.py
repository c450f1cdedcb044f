"""The closed beta test: the session of kr_trade on a virtual account."""
