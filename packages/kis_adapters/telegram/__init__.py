"""Messages to the operator's telephone, and his commands from it."""
