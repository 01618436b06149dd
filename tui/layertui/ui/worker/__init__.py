"""Clients of the worker process, and background threads."""
