"""The CI gate: rules for an image, evaluated with the results of :mod:`layertui.insight`."""
