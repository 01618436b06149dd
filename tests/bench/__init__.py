"""Measures layertui against other programs on the same layers: ``make bench``."""
