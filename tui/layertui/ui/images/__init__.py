"""The start screen: images and containers of all sources."""
