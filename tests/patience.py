"""How long a test waits for what is sure to come."""

ENOUGH = 240  # seconds: two hundred times what it takes where nothing else runs, for a machine that is busy
