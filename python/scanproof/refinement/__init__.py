"""The reference runners in Python, and the check that an implementation refines them."""
