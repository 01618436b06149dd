"""Extract files of an image, into a directory or as a tar."""
