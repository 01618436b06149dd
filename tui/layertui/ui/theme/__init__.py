"""Colors and styles."""
