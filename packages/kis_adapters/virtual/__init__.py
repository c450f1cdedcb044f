"""The virtual account of the closed beta test behind the Broker port."""
