"""What is held, and the levels at which it is sold."""
