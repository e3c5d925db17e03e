"""The measurements: `python -m bench` runs all of them, or those named; each prints one JSON line."""
