"""The user's cache directory: blobs, decompressed archives, layer indexes and unions."""
