"""layertui: a terminal explorer for container images."""

__version__ = "0.1.0"
