"""What makes the door fast: who may knock is remembered; who knocks together shares a commit."""
