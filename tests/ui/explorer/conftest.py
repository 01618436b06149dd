"""Fixtures of names that move."""

from tests.moving import archives, layout, replaced, rewritten, versions, world

__all__ = ["archives", "layout", "replaced", "rewritten", "versions", "world"]
