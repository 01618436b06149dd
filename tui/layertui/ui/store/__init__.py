"""The usage of a store."""
