"""A simulator of the KIS Open API: wire protocol, market, matching, account, clock and faults."""
