"""The chain of documents and files from a reference to an image's layers."""
