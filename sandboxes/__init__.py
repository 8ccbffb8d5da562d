"""Run programs that nobody trusts. Knows nobody: the standard library only."""
