"""The command names of the system that this one replaces."""
