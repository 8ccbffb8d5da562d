"""The few files that run inside the sandbox: standard library only, Python 3.10 or newer."""
