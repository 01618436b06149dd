"""The gate: rules that an image must keep to, evaluated by what :mod:`layertui.insight` finds."""
