"""What makes the door fast: who may knock is remembered, and those who knock together share a commit."""
