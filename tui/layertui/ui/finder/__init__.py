"""The finder: images, and paths, packages, layers and commands of the image that is open."""
