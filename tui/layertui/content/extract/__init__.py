"""Files of an image written where other programs can use them: into a directory, or as a tar."""
