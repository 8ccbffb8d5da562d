"""Measure a code model honestly, and drive the loop that makes it better."""

__version__ = "0.1.0"
