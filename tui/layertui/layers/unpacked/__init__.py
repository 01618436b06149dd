"""Layers that a store keeps unpacked, without a tar."""
