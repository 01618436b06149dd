"""The screen that compares two images."""
