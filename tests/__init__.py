"""The tests, a mirror of the package; what only some of them need stands in their own folder."""
