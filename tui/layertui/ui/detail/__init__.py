"""The pane that tells all about one path: what it is given, and what it makes of it."""
