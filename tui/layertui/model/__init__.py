"""The vocabulary that every other package uses: images, layers, descriptors, blobs, references, errors."""
