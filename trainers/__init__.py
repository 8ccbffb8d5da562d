"""Train a checkpoint on a manifest. Nothing lives here yet."""
