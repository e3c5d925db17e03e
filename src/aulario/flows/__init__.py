"""The stories that run through the whole system, and the pictures that are drawn of them."""
