"""What follows from an image's layers: what they waste, leak, hold twice, install and permit."""
