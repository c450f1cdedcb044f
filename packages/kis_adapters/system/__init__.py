"""The time and the calendar of the real world, and of the simulator."""
