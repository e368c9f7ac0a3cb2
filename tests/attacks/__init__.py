"""What a stranger, a competitor or a colleague might try, against a running service."""
