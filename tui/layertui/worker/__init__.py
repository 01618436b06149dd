"""The worker process, which scans and merges an image for the app."""
