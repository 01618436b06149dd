"""Compare two images, or two layers of one."""
