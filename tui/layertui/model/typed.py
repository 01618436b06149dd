"""What modules need of :mod:`typing` when they run, for those that every command imports.

To a type checker it is typing's own. At run time that would take as long to import as a small image to open, and its named
tuples twice as long to make. A module that makes one must have ``from __future__ import annotations``.
"""

from __future__ import annotations

from layertui import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Generic as Generic
    from typing import NamedTuple as NamedTuple
    from typing import NewType as NewType
    from typing import Protocol as Protocol
    from typing import TypeVar as TypeVar
    from typing import cast as cast
else:
    from collections import namedtuple

    class _Maker(type):
        """Makes a named tuple of the fields that the body of a class names, as ``typing.NamedTupleMeta`` does."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body["__annotations__"]
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body.pop("__module__"))
            for key, value in body.items():
                setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Maker):
        pass

    class Protocol:
        pass

    class Generic:
        def __class_getitem__(cls, _parameters):
            return cls

    def TypeVar(name, **_):
        return name

    def NewType(_name, base):
        return base

    def cast(_type, value):
        return value
