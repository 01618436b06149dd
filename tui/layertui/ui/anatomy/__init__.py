"""The screen with an image's manifest, config and layers."""
