"""Rules about paths, secrets, permissions and packages that an image must, or must not, contain."""

from __future__ import annotations

from collections.abc import Sequence

from layertui.gate.checked_image import CheckedImage
from layertui.gate.globs import Globs, unmatched
from layertui.gate.rules import Outcome, SecretsAllowed, Status, Violation
from layertui.insight.package import package_pattern
from layertui.insight.packages import PackageChange, packages
from layertui.insight.permissions import Right, permissions
from layertui.insight.secrets import secrets
from layertui.model.errors import LayertuiError
from layertui.model.numbers import NO_NODE
from layertui.text.format import count_text, mode_text, owner


def forbidden_paths(subject: CheckedImage, limit: Sequence[str]) -> Outcome:
    """Fail for every path of the final tree that matches a glob."""
    union = subject.union
    found = []
    for node, glob in Globs(limit).nodes(union):
        event = union.last[node]
        if union.shows(event) and not subject.ignored.first(union.key(node)):
            found.append(subject.violation(f"matches {glob}", union.path(node), union.ev_layer[event]))
    return _none_of(found, "path")


def forbidden_in_layers(subject: CheckedImage, limit: Sequence[str]) -> Outcome:
    """Fail for every entry of any layer that matches a glob; implicit directories are not entries."""
    union = subject.union
    found = []
    for node, glob in Globs(limit).nodes(union):
        if subject.ignored.first(union.key(node)):
            continue
        path, last = union.path(node), union.last[node]
        gone = "" if union.shows(last) else f", deleted by layer {union.ev_layer[last]}"
        found += [
            subject.violation(f"matches {glob}{gone}", path, union.ev_layer[event])
            for event in union.versions(node)
            if union.ev_entry[event] >= 0
        ]
    return _none_of(found, "stored path")


def required_paths(subject: CheckedImage, limit: Sequence[str]) -> Outcome:
    """Fail for every glob that matches no path of the final tree."""
    missing = unmatched(limit, subject.union)
    found = []
    for glob in missing:
        # If a layer deleted the path, name that layer.
        gone = next((node for node, _ in Globs([glob]).nodes(subject.union)), NO_NODE)
        if gone < 0:
            found.append(Violation(f"nothing matches {glob}"))
        else:
            layer = subject.union.ev_layer[subject.union.last[gone]]
            message = f"nothing matches {glob}: deleted by layer {layer}"
            found.append(subject.violation(message, subject.union.path(gone), layer))
    if found:
        return Outcome(Status.FAIL, f"{len(found):,} of {count_text(len(limit), 'glob')} missing", found)
    return Outcome(Status.PASS, f"{count_text(len(limit), 'glob')} matched")


def no_secrets(subject: CheckedImage, limit: bool | SecretsAllowed) -> Outcome:
    """Fail for every secret in files, environment, labels and history that is not allowed."""
    allowed = limit if isinstance(limit, SecretsAllowed) else SecretsAllowed()
    paths = Globs(allowed.allow_paths, below=True)
    leaked = secrets(subject.image, subject.union, subject.contents, subject.job)
    found = []
    for secret in leaked.found:
        if secret.rule in allowed.allow_rules:
            continue
        is_file = secret.where == "file"
        if is_file and (paths.matches(secret.name) or subject.ignored.matches(secret.name)):
            continue
        name = f" in the {secret.where} {secret.name}" if secret.where in ("environment", "label") else ""
        message = f"{secret.rule} {secret.masked}{name or ' in the history' * (not is_file)}"
        hidden = "" if secret.is_visible else ", deleted, but still shipped"
        path = secret.name if is_file else None
        found.append(subject.violation(message + hidden, path, secret.layer, secret.line))
    if leaked.problems:
        return Outcome(Status.ERROR, leaked.problems[0], found)
    return _none_of(found, "secret")


def setuid(subject: CheckedImage, limit: Sequence[str]) -> Outcome:
    """Fail for every setuid or setgid file of the final tree that is not allowed."""
    allowed = Globs(limit, below=True)
    found = []
    for row in permissions(subject.union, subject.contents):
        entry = row.entry
        if row.right not in (Right.SETUID, Right.SETGID):
            continue
        if allowed.matches(entry.path) or subject.ignored.matches(entry.path):
            continue
        message = f"{row.right}, {mode_text(entry)} {owner(entry)}"
        found.append(subject.violation(message, entry.path, entry.layer))
    return _none_of(found, "file")


def forbidden_packages(subject: CheckedImage, limit: Sequence[str]) -> Outcome:
    """Fail for every package of the final tree that matches a glob of ``[KIND:]NAME[=VERSION]``."""
    patterns = [(text, package_pattern(text)) for text in limit]
    read = packages(subject.union, subject.contents)
    found = []
    for change in _installed(read.changes):
        package = change.package
        text = next((text for text, pattern in patterns if package.is_any_of([pattern])), "")
        if text:
            message = f"{package.kind} package {package.name} {package.version} matches {text}"
            found.append(subject.violation(message, layer=change.layer))
    if read.unread:
        raise LayertuiError(str(read.unread[0]))
    return _none_of(found, "package")


def _installed(changes: Sequence[PackageChange]) -> list[PackageChange]:
    """Return the change that installed each package of the final tree."""
    installed: dict[tuple[str, str, str, str], list[PackageChange]] = {}
    for change in changes:
        if (old := change.before) is not None:
            same = installed.get((old.kind, old.key, old.architecture, old.version))
            if same:
                same.pop()
        if (new := change.after) is not None:
            installed.setdefault((new.kind, new.key, new.architecture, new.version), []).append(change)
    return [change for same in installed.values() for change in same]


def _none_of(found: Sequence[Violation], noun: str) -> Outcome:
    if found:
        return Outcome(Status.FAIL, count_text(len(found), noun), found)
    return Outcome(Status.PASS, "none found")
