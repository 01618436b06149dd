"""Scan a layer's tar stream into an index."""
