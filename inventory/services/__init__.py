"""Writes. One step per file, one promise per function."""
