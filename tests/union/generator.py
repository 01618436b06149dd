"""Random images of valid layers, with every feature that the OCI layer spec has.

Each image follows from its seed alone. The generator keeps a model of the tree it has
built, only so far that it makes no layer which the spec calls invalid or which umoci is
known to refuse: nothing is stored below what is not a directory, and hardlinks name a file
that is there.
"""

from __future__ import annotations

import copy
import io
import random
import tarfile
from dataclasses import dataclass, field

Path = tuple[str, ...]

NAMES = (
    *("a", "b", "c", "d", "e.txt", ".hidden", "with space", "größe", "中文", "e\u0301", "🪨"),
    *("new\nline", "-x", "long-" + "n" * 120),
)
MODES = (0o644, 0o600, 0o755, 0o4755, 0o2711, 0o444, 0o000)
DIRECTORY_MODES = (0o755, 0o700, 0o1777, 0o1750, 0o555)
"""None of them setgid: what is made below such a directory inherits its group."""
OWNERS = (0, 0, 0, 1, 1000, 65534, 0o7777777, 0o10000000)
TIMES = (0, 1, 1_700_000_000, 1_700_000_000.25, 2**32 + 5, 1_234_567_890)
DEPTH = 5
KINDS = {"file": 35, "directory": 25, "symlink": 12, "hardlink": 12, "fifo": 4, "device": 4, "deep": 8}


@dataclass
class Model:
    """What the layers so far show: the type flag of each path, and where symlinks lead."""

    types: dict[Path, bytes] = field(default_factory=lambda: {(): tarfile.DIRTYPE})
    targets: dict[Path, str] = field(default_factory=dict)

    def below(self, path: Path) -> list[Path]:
        return [other for other in self.types if other[: len(path)] == path and other != path]

    def directories(self) -> list[Path]:
        return [path for path, type_ in self.types.items() if type_ == tarfile.DIRTYPE and len(path) < DEPTH]

    def remove(self, *paths: Path) -> None:
        for path in paths:
            for gone in [path, *self.below(path)]:
                self.types.pop(gone, None)
                self.targets.pop(gone, None)

    def put(self, path: Path, type_: bytes, target: str = "") -> None:
        if type_ != tarfile.DIRTYPE or self.types.get(path) != tarfile.DIRTYPE:
            self.remove(path)
        for depth in range(1, len(path)):
            self.types.setdefault(path[:depth], tarfile.DIRTYPE)
        self.types[path] = type_
        if type_ == tarfile.SYMTYPE:
            self.targets[path] = target

    def resolve(self, path: Path) -> Path | None:
        """The directory that a path leads to; ``None`` if none is there."""
        at: Path = ()
        todo = list(path)
        for _ in range(40):
            if not todo:
                return at
            name = todo.pop(0)
            child = (*at, name)
            if name == "..":
                at = at[:-1]
            elif name in ("", "."):
                continue
            elif self.types.get(child) == tarfile.DIRTYPE:
                at = child
            elif self.types.get(child) == tarfile.SYMTYPE:
                target = self.targets[child]
                at = () if target.startswith("/") else at
                todo = target.split("/") + todo
            else:
                return None
        return None


class Generator:
    """Makes the layers of one image."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.model = Model()
        self.pinned: set[Path] = set()
        self.followed: set[Path] = set()

    def layers(self) -> list[bytes]:
        """The tars, base first."""
        return [self._layer(number) for number in range(self.random.randint(2, 5))]

    def pair(self) -> tuple[list[bytes], list[bytes]]:
        """The tars of two images that share those at their base, or none."""
        base = [self._layer(number) for number in range(self.random.randint(0, 3))]
        other = copy.deepcopy(self)
        other.random.seed(self.random.random())
        a, b = (
            base + [one._layer(len(base) + number) for number in range(one.random.randint(1, 2))]
            for one in (self, other)
        )
        return a, b

    def _layer(self, number: int) -> bytes:
        style = self.random.choice(("", "", "./", "/"))
        format_ = self.random.choice((tarfile.PAX_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))
        # Where whiteouts come after entries, no entry needs its parent implied or goes through a
        # symlink: what the whiteout is going to hide still lies there for who takes the tar in order.
        late = self.random.random() < 0.3
        self.followed = set()
        whiteouts = self._whiteouts(late) if number else []
        # What holds a whiteout has to be a directory still when it comes.
        parents = [tuple(name.split("/")[:-1]) for name in whiteouts]
        self.pinned = {path[:depth] for path in parents for depth in range(len(path) + 1)} if late else set()
        members = [self._entry(late) for _ in range(self.random.randint(4, 30))]
        for name in whiteouts:
            members.insert(self.random.randint(0, len(members)) if late else 0, tarfile.TarInfo(name))
        output = io.BytesIO()
        with tarfile.open(
            fileobj=output, mode="w", format=format_, encoding="utf-8", errors="surrogateescape"
        ) as tar:
            for member in members:
                member.name = style + member.name
                if format_ == tarfile.GNU_FORMAT:
                    member.mtime = int(member.mtime)
                tar.addfile(member, io.BytesIO(self.random.randbytes(member.size)))
        return output.getvalue()

    def _whiteouts(self, late: bool) -> list[str]:
        """Hide paths of the layers below; the markers' names."""
        model = self.model
        alias = None if late else self._alias()
        if alias is not None and self.random.random() < 0.3:
            through, directory = alias
            # Were the layer to put a directory there, the whiteout would be one inside of that.
            self.followed = set(model.targets)
            children = [path for path in model.types if path and path[:-1] == directory]
            if self.random.random() < 0.3:
                model.remove(*model.below(directory))
                return ["/".join((*through, ".wh..wh..opq"))]
            if children:
                child = self.random.choice(children)
                model.remove(child)
                return ["/".join((*through, f".wh.{child[-1]}"))]
        markers = []
        paths = [path for path in model.types if path]
        for path in self.random.sample(paths, min(len(paths), self.random.randint(0, 4))):
            if model.types.get(path) == tarfile.DIRTYPE and self.random.random() < 0.5:
                markers.append("/".join((*path, ".wh..wh..opq")))
                model.remove(*model.below(path))
            else:
                markers.append("/".join((*path[:-1], f".wh.{path[-1]}")))
                model.remove(path)
        if self.random.random() < 0.2:
            markers.append(".wh.what never was")
        if self.random.random() < 0.05:
            markers.append(".wh..wh..opq")
            model.remove(*model.below(()))
        return markers

    def _alias(self) -> tuple[Path, Path] | None:
        """A symlink and the directory it leads to."""
        leads = [(path, self.model.resolve(path)) for path in self.model.targets]
        aliases = [(path, directory) for path, directory in leads if directory is not None]
        return self.random.choice(aliases) if aliases else None

    def _entry(self, late: bool) -> tarfile.TarInfo:
        kind = self.random.choices(list(KINDS), list(KINDS.values()))[0]
        parent = stored = self.random.choice(self.model.directories())
        if not late and self.random.random() < 0.15 and (alias := self._alias()) and len(alias[1]) < DEPTH:
            stored, parent = alias
        children = [path[-1] for path in self.model.types if path and path[:-1] == parent]
        if children and self.random.random() < 0.4:
            name = self.random.choice(children)
        else:
            name = self.random.choice(NAMES)
        path = (*parent, name)
        if path in self.pinned:
            kind = "directory"
        elif path in self.followed:
            kind = "file"
        if kind == "deep" and not late and path not in self.model.types:
            path = (*path, *self.random.choices(NAMES, k=self.random.randint(1, 3)))
        return self._member("/".join((*stored, *path[len(parent) :])), path, kind)

    def _member(self, name: str, path: Path, kind: str) -> tarfile.TarInfo:
        member = tarfile.TarInfo(name)
        member.mode = self.random.choice(MODES)
        member.uid, member.gid = self.random.choice(OWNERS), self.random.choice(OWNERS)
        member.mtime = self.random.choice(TIMES)
        if kind == "hardlink" and self._link(member, path):
            return member
        if kind == "directory":
            member.type, member.mode = tarfile.DIRTYPE, self.random.choice(DIRECTORY_MODES)
        elif kind == "symlink":
            member.type, member.mode, member.linkname = tarfile.SYMTYPE, 0o777, self._target()
        elif kind == "fifo":
            member.type = tarfile.FIFOTYPE
        elif kind == "device":
            member.type = self.random.choice((tarfile.CHRTYPE, tarfile.BLKTYPE))
            member.devmajor, member.devminor = self.random.randint(1, 300), self.random.randint(0, 70_000)
        else:
            member.size = self.random.choice((0, 1, 511, 512, 513, 3000))
        if member.type in (tarfile.REGTYPE, tarfile.DIRTYPE) and self.random.random() < 0.15:
            member.pax_headers = {
                "SCHILY.xattr.user.note": self.random.choice(("x", "größe=1", "two\nlines"))
            }
        self.model.put(path, member.type, member.linkname)
        return member

    def _link(self, member: tarfile.TarInfo, path: Path) -> bool:
        """Make a member a hardlink, if there is a file to link to that its path does not replace."""
        files = [
            other
            for other, type_ in self.model.types.items()
            if type_ != tarfile.DIRTYPE and other[: len(path)] != path
        ]
        if not files:
            return False
        target = self.random.choice(files)
        member.type = tarfile.LNKTYPE
        member.linkname = self.random.choice(("", "/", "./")) + "/".join(target)
        self.model.put(path, self.model.types[target], self.model.targets.get(target, ""))
        return True

    def _target(self) -> str:
        """Where a symlink leads: often to what is there, also out of the tree and nowhere."""
        there = "/".join(self.random.choice(list(self.model.types)))
        return self.random.choice(
            (
                "/" + there,
                there or ".",
                self.random.choice(NAMES),
                "..",
                "../../../../../" + there,
                "no/where",
            )
        )
