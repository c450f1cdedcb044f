"""The broker's wire protocol: endpoints, envelopes, codes. KIS field names stay in here."""
