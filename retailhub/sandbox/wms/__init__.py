"""A third-party warehouse with a plain REST interface."""
