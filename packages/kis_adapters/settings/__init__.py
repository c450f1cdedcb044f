"""What the operator sets, from every place it can be set, checked before anything starts."""
