"""A NetSuite account that answers REST."""
