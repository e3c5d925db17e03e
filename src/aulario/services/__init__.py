"""One folder per service; they never import one another."""
