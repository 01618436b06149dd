"""The screen that searches the contents of files."""
