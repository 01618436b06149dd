"""The detail pane: everything about one path."""
