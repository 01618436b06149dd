"""Find what matches in many images: paths, contents, packages, digests. Each layer is read once, however many images have it."""
