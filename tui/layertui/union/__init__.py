"""Merge the layers of an image into one tree with the history of every path."""
