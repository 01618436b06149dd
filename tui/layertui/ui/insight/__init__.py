"""The insight screen: waste, secrets, duplicates, permissions, packages."""
