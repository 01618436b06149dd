"""Layers that are read without their tar: unpacked in a store, or by a table of contents."""
