"""The explorer: layers, merged tree and detail of one image."""
