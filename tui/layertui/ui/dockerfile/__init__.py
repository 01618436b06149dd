"""The reconstructed Dockerfile."""
