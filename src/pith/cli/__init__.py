"""The command `pith`: one file per command, and `errors.py` between all of them and the user."""
