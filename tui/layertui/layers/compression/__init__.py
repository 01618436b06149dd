"""Decompress a layer's stored bytes."""
