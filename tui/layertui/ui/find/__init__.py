"""The screen that finds what matches in many images."""
