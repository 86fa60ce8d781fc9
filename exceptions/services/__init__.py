"""Writes of the desk: open and act on cases, route them, replay what they point at."""
