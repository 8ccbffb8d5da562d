"""Who answers prompts. So far: a file of recorded samples (replay.py)."""
