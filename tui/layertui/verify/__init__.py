"""Recompute every digest of an image."""
