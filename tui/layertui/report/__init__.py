"""A page about one image, in one file: it needs no network and no script.

Texts are escaped by the library that writes the page, and made :func:`~layertui.text.sanitize.visible` before.
"""
