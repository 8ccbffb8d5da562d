"""Show what was measured. Nothing lives here yet."""
