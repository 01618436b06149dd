"""Layers that engines disagree about: cases as data, what each engine makes of them, and a runner for any tool.

README.md in this directory describes the cases and the runner. It needs nothing but Python's standard library, so that
other projects can copy the directory.
"""
