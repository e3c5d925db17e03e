"""One folder per outside need: its contract in `__init__`, one file per implementation; `app.py` alone chooses."""
