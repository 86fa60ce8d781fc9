"""Pages that need every app: orders, the journey of one order, connections, search, system."""
