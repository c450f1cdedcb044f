"""Telling people: the console in Korean, the log in structured lines."""
