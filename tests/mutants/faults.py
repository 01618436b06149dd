"""The faults that the tests have to notice.

Add one for every mistake that could be made, or was made, without a test failing. ``old`` must be in the
file once.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    path: str
    """Module, below ``tui/layertui``."""
    old: str
    new: str
    tests: str
    """Arguments of pytest: the tests of which one must fail."""


LOAD = "tests/layers/test_load.py"
DIRECTORY = "tests/cache/test_directory.py"
LOGIN = "tests/sources/registry/test_login.py"
FORMATS = "tests/insight/test_rpm_formats.py tests/insight/test_packages.py"
UNPACKED = "tests/layers/unpacked"
CHANGES = "tests/union/test_changes.py"
MERGED = "tests/union/test_merged_tree.py"
BLAME = "tests/content/test_blame.py"
PINNED = "tests/worker/test_pinned.py"
BUILDER = "tests/union/test_builder.py"
OUTPUT = "tests/commands/test_output.py::test_what_is_unforeseen_is_one_line_and_no_verdict"
CLOSED = "tests/commands/test_output.py::test_a_closed_pipe_does_not_change_the_status"
INCOMPLETE = "tests/commands/test_check_incomplete.py"
VISITS = "tests/layers/test_visit.py"
VISITING = "tests/insight/test_visiting.py"
SECRETS = "tests/insight/test_secrets.py"
VERIFY = "tests/commands/test_verify.py"
STACK = "tests/ui/test_stack.py"
TERMINAL = "tests/ui/test_terminal.py"
REGULAR = "tests/model/test_regular_file.py"
REFERENCES = "tests/sources/containerd/test_references.py"
NET = "tests/ui/test_unforeseen.py"
SSH = "tests/sources/engine/test_ssh.py"
ENDPOINT = "tests/sources/engine/test_endpoint.py"
TLS = "tests/sources/engine/test_connections.py"
PIPED = "tests/sources/test_piped.py"
OCI = "tests/sources/test_oci.py tests/sources/test_bad_input.py"
GROUPS = "tests/sources/test_oci_groups.py"
CACHE = "tests/cache"
TAR = "tests/layers/tar"
COMPRESSION = "tests/layers/compression"
POINTS = "tests/layers/compression/test_gzip_points.py"
FAULTS_OF_REGISTRY = "tests/sources/registry/test_faults.py"
ATTACHMENTS = "tests/sources/test_attachments.py"
DIVE = "tests/commands/test_dive.py"
COMPLETION = "tests/commands/test_completion.py::test_lines tests/commands/test_completion.py::test_names_that_act_on_a_terminal_are_left_out"
PAGER = "tests/commands/test_pager.py::test_which_pager"
INIT = "tests/commands/test_check_init.py"
ON_INPUT = "tests/ui/test_terminal.py::test_an_image_on_standard_input"

FAULTS = [
    # layers: what an index is kept under, and when it is trusted
    Fault("layers/cache_keys.py", "*file.state, file.ctime_ns,", "", LOAD),
    Fault(
        "layers/cache_keys.py",
        "if is_known(layer.descriptor.digest) and _is_compressed(layer):",
        "if layer.descriptor.digest and _is_compressed(layer):",
        LOAD,
    ),
    Fault("layers/load.py", "if kept and not index.damage:", "if kept:", LOAD),
    Fault(
        "layers/cache_keys.py",
        "(bool(file) and cache.has(file))",
        "True",
        "tests/insight/test_layer_sums.py",
    ),
    Fault(
        "insight/layer_sums.py",
        "union.layers == len(image.layers) and all(map(is_lasting, union.indexes))",
        "True",
        "tests/insight/test_layer_sums.py",
    ),
    Fault("layers/load.py", "if self._is_claim and not (", "if False and not (", LOAD),
    Fault(
        "layers/codec.py",
        "(1 << (4 * column.itemsize - 1)) - 1",
        "1 << (4 * column.itemsize - 1)",
        "tests/layers/test_codec.py",
    ),
    Fault("layers/codec.py", "halves[1 - _LOW :: 2]", "halves[_LOW::2]", "tests/layers/test_codec.py"),
    Fault("layers/codec.py", "msgspec.Meta(ge=0)", "msgspec.Meta()", "tests/layers/test_codec.py"),
    Fault("union/merged_tree.py", "if overridden else events", "if False else events", MERGED),
    Fault("layers/load.py", "and self._cache.has(self._file_key)):", "):", LOAD),
    Fault("layers/load.py", "if stored.digest() != self._digest:", "if False:", LOAD),
    Fault("layers/load.py", "if is_known(expected) and index.blob_digest != expected:", "if False:", LOAD),
    Fault("layers/load.py", 'index.blob_digest = ""  # not read now', "pass  # not read now", LOAD),
    Fault("layers/whiteout.py", "name.startswith(AUFS_PREFIX) or ", "", "tests/layers/tar/test_scanner.py"),
    Fault(
        "layers/whiteout.py", "if name == OPAQUE_WHITEOUT:", "if False:", "tests/layers/tar/test_scanner.py"
    ),
    Fault("layers/tar/pax.py", "(-whole - 1, 10**9 - nanoseconds)", "(-whole, nanoseconds)", TAR),
    Fault("layers/tar/pax.py", "pax.uid = _number(value) if value else None", "pass", TAR),
    Fault("layers/tar/scanner.py", "offset += size + (-size % TAR_BLOCK)", "offset += size", TAR),
    Fault("layers/tar/scanner.py", " and not signed_sum_fits(header)", "", TAR),
    Fault("layers/tar/scanner.py", "if offset - padding(size) > tar.end:", "if offset > tar.end:", TAR),
    Fault("layers/tar/scanner.py", "if 0 < len(after) < TAR_BLOCK and not", "if False and", TAR),
    Fault("layers/tar/scanner.py", "pax.sparse_name or pax.long_name or pax.path", "pax.path", TAR),
    Fault("layers/tar/header.py", "and prefix.isascii()", "", TAR),
    Fault("layers/tar/header.py", 'field.strip(b" \\0")', "field", TAR),
    Fault("layers/compression/gzip_points.py", "(-point.bits % 8)", "(point.bits % 8)", POINTS),
    Fault("layers/compression/gzip_points.py", "self._start + stored", "stored", POINTS),
    Fault(
        "content/layer_readers.py",
        "if blob.is_local else blob.ranged()",
        "",
        "tests/sources/registry/test_points.py",
    ),
    Fault("layers/load.py", "DOWNLOADS if is_remote else 2", "2", "tests/sources/registry/test_source.py"),
    Fault("layers/compression/members.py", "ends_in_size or tail in", "tail in", COMPRESSION),
    Fault("layers/compression/members.py", " or tail in EMPTY_MEMBER_ENDS", "", COMPRESSION),
    Fault("layers/compression/stream.py", "count % 4 == 0 and ", "", COMPRESSION),
    Fault(
        "sources/archive.py",
        "self._places[first] + segment.stored",
        "segment.stored",
        "tests/sources/test_files.py",
    ),
    Fault("sources/documents.py", "folded.get(_fold(key)) or key", "key", "tests/sources/test_documents.py"),
    Fault("sources/documents.py", "found.pop(key, None)", "None", "tests/sources/test_documents.py"),
    Fault(
        "union/hardlinks.py",
        "0 <= recorded < event and",
        "0 <= recorded and",
        "tests/union/test_hardlinks.py",
    ),
    Fault("union/hardlinks.py", " if first < event else NO_EVENT", "", "tests/union/test_hardlinks.py"),
    Fault("layers/tar/scanner.py", "if flag == TYPEFLAG_V7_FILE:", "if False:", TAR),
    Fault("layers/unpacked/overlayfs.py", '"opaque") == b"y"', '"opaque") in (b"x", b"y")', UNPACKED),
    Fault("layers/unpacked/overlayfs.py", "status.st_rdev == 0", "True", UNPACKED),
    Fault(
        "layers/unpacked/full_tree.py",
        "nanoseconds != other_nanoseconds and bool(nanoseconds) and bool(other_nanoseconds)",
        "nanoseconds != other_nanoseconds",
        UNPACKED,
    ),
    Fault(
        "layers/unpacked/id_mapping.py",
        "ranges[at].outside + ranges[at].length:",
        "ranges[at].outside + ranges[at].length + 1:",
        UNPACKED,
    ),
    # layers: what is read and verified of them
    Fault(
        "verify/layer.py", "if layer.blob is None or index.damage:", "if layer.blob is None:", "tests/verify"
    ),
    Fault(
        "content/tar_reader.py",
        "del self._points[1::2], self._offsets[1::2]",
        "del self._points[1::2], self._offsets[::2]",
        "tests/content/test_tar_reader.py",
    ),
    Fault("content/tar_reader.py", "self._spacing *= 2", "pass", "tests/content/test_tar_reader.py"),
    # cache
    Fault("cache/directory.py", "if path != str(keep) and not 0", "if not 0", DIRECTORY),
    Fault("cache/directory.py", "not 0 <= now - used < RECENT", "True", DIRECTORY),
    Fault("cache/directory.py", "in sorted(entries):", "in sorted(entries, reverse=True):", DIRECTORY),
    Fault(
        "cache/directory.py",
        "ns=(time.time_ns(), facts.st_mtime_ns)",
        "ns=(time.time_ns(), time.time_ns())",
        CACHE,
    ),
    Fault("cache/directory.py", "        job.check()\n", "", DIRECTORY),
    Fault(
        "cache/directory.py",
        "    finally:\n        path.unlink(missing_ok=True)\n",
        "    finally:\n        pass\n",
        DIRECTORY,
    ),
    Fault("cache/directory.py", "target = path.resolve()", "target = path", CACHE),
    Fault("cache/blobs.py", "evict(self.directory, MAX_BLOB_BYTES, target)", "pass", CACHE),
    Fault("cache/indexes.py", "evict(self.directory, MAX_INDEX_BYTES, path)", "pass", CACHE),
    Fault(
        "cache/indexes.py",
        '        or zlib.crc32(data[start:]).to_bytes(4, "little") != data[start - 4 : start]\n',
        "",
        "tests/cache tests/layers/test_codec.py",
    ),
    Fault(
        "zstd.py",
        "0 < size <= most",
        "True",
        "tests/cache tests/layers/test_codec.py",
    ),
    Fault("cache/directory.py", " and facts.st_uid in (0, system.own_uid() or 0)", "", CACHE),
    Fault("cache/directory.py", "stat.S_ISREG(facts.st_mode) and ", "", CACHE),
    Fault("cache/directory.py", "os.O_CREAT | system.NO_LINK, 0o600", "os.O_CREAT, 0o600", DIRECTORY),
    Fault("cache/directory.py", "            check_room(self.path.parent)\n", "", CACHE),
    Fault(
        "cache/archives.py",
        "return size if file.read() == _mark(max(size, 0)) else None",
        "return size",
        CACHE,
    ),
    Fault("cache/archives.py", " file.ctime_ns", "", CACHE),
    Fault("cache/archives.py", 'target = target.with_suffix(".damaged")', "pass", CACHE),
    Fault("cache/archives.py", "evict(folder, MAX_ARCHIVE_BYTES, target)", "pass", CACHE),
    # union
    Fault("union/tree.py", " and key not in whiteouts:", ":", BUILDER),
    Fault(
        "union/tree.py",
        "if was == Kind.DIRECTORY:\n                        waiting",
        "if False:\n                        waiting",
        BUILDER,
    ),
    Fault(
        "union/tree.py",
        " and ev_kind[last[node]] == kind and kind in _SIMPLE",
        " and kind in _SIMPLE",
        BUILDER,
    ),
    Fault("union/tree.py", "last[node] < first and ", "", BUILDER),
    Fault("union/changes.py", "if one.owner != other.owner:", "if False:", CHANGES),
    Fault(
        "union/changes.py",
        "if mark == Mark.ATTRIBUTES else Mark.REWRITTEN",
        "if False else Mark.REWRITTEN",
        CHANGES,
    ),
    Fault("union/merged_tree.py", "initial=self._before.pop()", "initial=0", MERGED),
    Fault(
        "content/search.py",
        "self._contents.in_order((event for event in events if event not in done), job)",
        "()",
        "tests/content/test_search.py",
    ),
    Fault(
        "content/side_by_side.py",
        "        if batch:\n            yield batch\n        raise",
        "        raise",
        "tests/content/test_side_by_side.py",
    ),
    Fault("content/blame.py", "if origins[place] < 0:", "if origins[place] <= 0:", BLAME),
    Fault("content/blame.py", "doubts[event] = gap", "pass", BLAME),
    Fault("content/compaction.py", "    if beside >= 0:", "    if False:", BLAME),
    Fault("content/compaction.py", "_INDENT_WEIGHT = 60", "_INDENT_WEIGHT = 0", BLAME),
    Fault(
        "union/changes.py", "        and union.ev_inode[before] != union.ev_inode[after]\n", "", "tests/union"
    ),
    Fault("union/changes.py", "index.mode[number] & 0o7777", "index.mode[number] & 0o777", "tests/union"),
    Fault("union/merged_tree.py", "+ sum(self._blocks[first:last])", "", MERGED),
    Fault("union/merged_tree.py", "self._add_size(node, -size)", "pass", MERGED),
    Fault("union/merged_tree.py", "assign(self.marks, nodes, repeat(Mark.NONE))", "pass", MERGED),
    Fault("union/symlinks.py", "if node in visited:", "if False:", "tests/union tests/ui/detail"),
    # stores
    Fault("model/regular_file.py", " | system.NO_WAITING", "", REGULAR),
    Fault("model/regular_file.py", "if not stat.S_ISREG(", "if stat.S_ISDIR(", REGULAR),
    Fault("sources/containerd/references.py", "expires is not None and expires < now()", "False", REFERENCES),
    Fault(
        "sources/containerd/references.py",
        "self._bases(each) if is_flat else self._of(each)",
        "self._of(each)",
        REFERENCES,
    ),
    Fault(
        "sources/containerd/references.py",
        "        yield from self._back.get(resource, ())\n",
        "",
        REFERENCES,
    ),
    Fault("sources/containerd/references.py", "lease.namespace.endswith(HISTORY)", "False", REFERENCES),
    Fault(
        "sources/docker_root/files.py",
        '"exited" if self._time("StartedAt") else "created"',
        '"exited"',
        "tests/sources/docker_root/test_current.py",
    ),
    Fault(
        "layers/unpacked/overlay_marks.py",
        " and extra.device == (0, 0)",
        "",
        "tests/sources/test_every_source.py tests/sources/test_overlay_marks.py",
    ),
    Fault(
        "layers/unpacked/overlay_marks.py",
        "is_opaque(extra.xattrs)",
        "False",
        "tests/sources/test_overlay_marks.py",
    ),
    # sources
    Fault("sources/pinned.py", "open_image(identity.pinned, ", "open_image(identity.reference, ", PINNED),
    Fault(
        "sources/pinned.py",
        "if (again.digests, again.file) != (identity.digests, identity.file):",
        "if False:",
        PINNED,
    ),
    Fault("model/blob.py", "if not self._is_same or ", "if ", "tests/model"),
    Fault("sources/oci_layout.py", "check_digest(blob.pread(blob.size, 0), digest, name)", "pass", OCI),
    Fault("sources/oci_layout.py", "if len(above) > MAX_INDEX_DEPTH:", "if False:", OCI),
    Fault("sources/oci_layout.py", "if descriptor.digest in seen:", "if False:", OCI),
    Fault("sources/oci_layout.py", "if not DIGEST.fullmatch(descriptor.digest):", "if False:", OCI),
    Fault("sources/oci_subjects.py", 'not in ("", found.digest)', 'in ("?",)', GROUPS),
    Fault("sources/oci_subjects.py", "is_cosigns(found) or ", "", GROUPS),
    Fault("sources/oci_groups.py", "found.digest not in listed]", "found.digest]", GROUPS),
    Fault(
        "sources/oci_groups.py",
        "groups |= {name: group} if _is_one(layout, group) else _by_digest(group)",
        "groups |= {name: group}",
        GROUPS,
    ),
    Fault(
        "sources/attachments.py",
        "for each in (found, *reversed(above))",
        "for each in (found,)",
        ATTACHMENTS,
    ),
    Fault(
        "sources/attachments.py",
        "return [each for each in (image.manifest_digest, *indexes) if each]",
        "return [image.manifest_digest]",
        ATTACHMENTS,
    ),
    Fault("sources/attachments.py", "found.update(piece)", "pass", ATTACHMENTS),
    Fault(
        "sources/containers_storage/records.py",
        'return key if key in self.texts("big-data-names") else MANIFEST',
        "return MANIFEST",
        "tests/sources/containers_storage/test_manifests.py",
    ),
    Fault(
        "model/platforms.py",
        'f"{offered.os_version}.".startswith(f"{version}.")',
        "offered.os_version.startswith(version)",
        "tests/model/test_platforms.py",
    ),
    Fault(
        "sources/files.py",
        ' or ".." in parts',
        "",
        "tests/sources/test_files.py tests/sources/test_bad_input.py",
    ),
    Fault(
        "sources/files.py",
        "if blob.size > MAX_JSON:",
        "if False:",
        "tests/sources/test_files.py tests/sources/test_bad_input.py",
    ),
    Fault(
        "sources/assemble.py",
        'step.get("empty_layer") is not True',
        'not step.get("empty_layer")',
        "tests/sources/test_docker_archive.py tests/sources/test_oci.py tests/sources/test_bad_input.py",
    ),
    Fault(
        "sources/assemble.py",
        "range(used + 1, layers + 1)",
        "range(used + 1, layers)",
        "tests/sources/test_docker_archive.py",
    ),
    Fault("sources/registry/blob.py", "if found != self.digest:", "if False:", FAULTS_OF_REGISTRY),
    Fault(
        "sources/registry/blob.py",
        "self._writer is not None and found == digest",
        "self._writer is not None",
        FAULTS_OF_REGISTRY,
    ),
    Fault("sources/registry/connection.py", 'if name != "Authorization"', "", FAULTS_OF_REGISTRY),
    Fault("sources/registry/connection.py", 'method, form = "GET", None', "pass", LOGIN),
    Fault("sources/registry/connection.py", "elif form is not None and is_elsewhere:", "elif False:", LOGIN),
    Fault(
        "sources/registry/connection.py",
        '{"no_proxy": "*"} if is_loopback(urlsplit(url).netloc) else None',
        "None",
        LOGIN,
    ),
    Fault("sources/registry/client.py", 'server.scheme == "http"', 'text.startswith("http:")', LOGIN),
    Fault("sources/registry/client.py", " and is_near)", ")", LOGIN),
    Fault("sources/registry/client.py", 'not (base.scheme == "http" and is_near)', "not is_near", LOGIN),
    # insight
    Fault("model/sqlite_table.py", " AND rootpage > 0", "", FORMATS),
    Fault("insight/rpm.py", "            left -= len(header)\n", "", FORMATS),
    Fault("insight/rpm_ndb.py", " or checksum != adler32(memoryview(data)[start:tail])", "", FORMATS),
    Fault("insight/rpm_bdb.py", 'next((order for order in "<>"', 'next((order for order in "<"', FORMATS),
    # the command line: verdicts and what is printed
    Fault("commands/output.py", "return OutputClosed(status)", "return OutputClosed(0)", CLOSED),
    Fault("cli.py", "return FAILED, str(unforeseen(error))", "return DONE, str(unforeseen(error))", OUTPUT),
    Fault("commands/output.py", "drop(sys.stdout)", "pass", CLOSED),
    Fault(
        "commands/output.py",
        "tuple(map(visible, row))",
        "tuple(row)",
        "tests/test_hostile.py::test_commands_in_a_pipe",
    ),
    Fault("text/sanitize.py", " and not set(path) & _C_ESCAPES.keys()", "", "tests/text"),
    # the gate: nothing passes on what was not seen
    Fault("gate/completeness.py", "len(diff_ids) > layers", "False", INCOMPLETE),
    Fault("gate/completeness.py", "    if made:", "    if False:", INCOMPLETE),
    Fault("gate/completeness.py", "if was_checked(layer, index):", "if True:", INCOMPLETE),
    Fault("gate/completeness.py", "if index.damage:", "if False:", INCOMPLETE),
    Fault("model/config_form.py", "if not isinstance(value, kind):", "if False:", INCOMPLETE),
    Fault("model/config_form.py", "media_type not in media_types.CONFIGS", "False", INCOMPLETE),
    Fault("gate/evaluate.py", "if missing:", "if False:", INCOMPLETE),
    # secrets: every piece of a text, and each once
    Fault(
        "insight/secret_search.py",
        "self._window, self._settled = window[start:], certain - start",
        'self._window, self._settled = b"", 0',
        SECRETS,
    ),
    Fault("insight/secret_search.py", "len(window) - _OVERLAP  # beyond", "len(window)  # beyond", SECRETS),
    Fault("insight/secret_search.py", 'self._lines += window.count(b"\\n", 0, start)', "pass", SECRETS),
    Fault("insight/secret_search.py", "kept[place - 1].end > match.start", "False", SECRETS),
    Fault("insight/secrets.py", "if match.secret in seen:", "if False:", SECRETS),
    # visits: what was found while layers were scanned is what reading them afterwards finds
    Fault(
        "layers/load.py",
        "    if not index.damage:\n        for visit",
        "    if True:\n        for visit",
        VISITS,
    ),
    Fault("layers/tar/passing.py", "and (entry not in extras or extras[entry].sparse is None)", "", VISITS),
    Fault(
        "layers/visit.py",
        "        if waiting:\n            yield bytes(waiting)\n        raise",
        "        raise",
        VISITS,
    ),
    Fault(
        "insight/secrets.py",
        "if event in rules or _has_holes(union, event)",
        "if _has_holes(union, event)",
        VISITING,
    ),
    Fault(
        "insight/secrets.py", "if event in rules or _has_holes(union, event)", "if event in rules", VISITING
    ),
    Fault("content/search.py", "and visit.query == self._query", "", VISITING),
    Fault(
        "content/line_visit.py",
        "        if not self._is_full:\n            self._texts",
        "        if True:\n            self._texts",
        VISITING,
    ),
    Fault(
        "content/line_search.py",
        "data.startswith(WIDE_MARKS, start, end)",
        "False",
        "tests/content/test_search.py",
    ),
    # verify: what is no tar, and what is attached
    Fault("verify/layer.py", "elif layer.opaque is not None:", "elif False:", VERIFY),
    Fault("verify/attached.py", "if wrong.expected in known:", "if False:", VERIFY),
    # compare and the app
    Fault(
        "union/path_filter.py",
        'merged.union.path if "/" in word else ',
        "",
        "tests/union/test_path_filter.py",
    ),
    Fault(
        "compare/trees.py",
        "column if column.typecode == code else array(code, column)",
        "column",
        "tests/compare/test_comparison.py::test_layers_from_the_cache",
    ),
    Fault("compare/config.py", " and name not in _OF_THE_BUILD", "", "tests/compare/test_config.py"),
    Fault("ui/stack.py", " if on_top(self) else AwaitComplete()", "", STACK),
    Fault("ui/stack.py", "if on_top(node):\n        if isinstance", "if True:\n        if isinstance", STACK),
    Fault("ui/app.py", " or event.time >= self._closed_at", " or True", STACK),
    Fault("ui/key_queue.py", "if len(app.screen_stack) < 2:", "if False:", STACK),
    Fault("ui/app.py", "loop.add_signal_handler(number, self._end_by, number)", "pass", TERMINAL),
    Fault("ui/terminal.py", "signal.signal(number, signal.SIG_DFL)", "raise SystemExit", TERMINAL),
    Fault(
        "ui/terminal.py", "                os.dup2(terminal, number)\n", "                pass\n", TERMINAL
    ),
    Fault("ui/worker/background.py", "except Exception as error", "except LayertuiError as error", NET),
    Fault(
        "sources/__init__.py",
        "except Exception as error:  # of one file",
        "except LayertuiError as error:  #",
        NET,
    ),
    Fault("worker/main.py", "except Exception as error", "except LayertuiError as error", NET),
    # sources: addresses of engines, ssh, archives that arrive by a pipe
    Fault(
        "sources/engine/ssh.py",
        '*(["-p", address.port] if address.port else []),',
        '*("-p", address.port or "22"),',
        SSH,
    ),
    Fault("sources/engine/ssh.py", "start_new_session=True", "start_new_session=False", SSH),
    Fault(
        "sources/registry/credentials.py",
        "start_new_session=True",
        "start_new_session=False",
        "tests/sources/registry/test_credentials.py",
    ),
    Fault("sources/engine/ssh.py", "ControlMaster=auto", "ControlMaster=no", SSH),
    Fault("sources/engine/ssh.py", "if facts.st_mode & 0o170077 == 0o040000 and", "if", SSH),
    Fault("sources/engine/ssh.py", "if own.wait() == 0:", "if own.wait() < 0:", SSH),
    Fault("sources/engine/ssh.py", "if self._failures > failures:", "if False:", SSH),
    Fault("sources/engine/ssh.py", '" if address.path else ""', '" if False else ""', SSH),
    Fault(
        "sources/engine/docker_settings.py", '= _configuration() / "contexts"', '= Path("contexts")', ENDPOINT
    ),
    Fault(
        "sources/engine/docker_settings.py",
        "not is_verified or certificates.is_dir()",
        "not is_verified",
        TLS,
    ),
    Fault(
        "sources/engine/podman_settings.py",
        "MACHINE_OPTIONS if connection.is_machine else ()",
        "MACHINE_OPTIONS",
        SSH,
    ),
    Fault("sources/engine/podman_settings.py", "(*SYSTEM_SETTINGS, _user", "(_user", ENDPOINT),
    Fault("sources/engine/client.py", "session.verify, session.cert =", "_, session.cert =", TLS),
    Fault("sources/piped.py", "os.dup(number or _standard_input)", "os.dup(number)", ON_INPUT),
    Fault("sources/piped.py", "check_room(folder)", "pass", PIPED),
    Fault("sources/piped.py", "if not _is_archive(head):", "if False:", PIPED),
    Fault("model/reference.py", 'rest.startswith("//") and not _exists(location)', "False", "tests/model"),
    # the command line: dive's, the prompt's, the terminal's
    Fault("insight/dive_export.py", "while (key := key.rpartition", "while not (key := key.rpartition", DIVE),
    Fault("insight/efficiency.py", "in reversed(count.again.items())", "in count.again.items()", DIVE),
    Fault("insight/efficiency.py", '_DROPPED = b".wh..wh.."', '_DROPPED = b".wh..wh."', DIVE),
    Fault("commands/dive.py", "elif only_checked and not is_checked:", "elif False:", DIVE),
    Fault("gate/config.py", "if rule not in named), *disabled)", "), *disabled)", DIVE),
    Fault("commands/completing.py", " and visible(completion) == completion", "", COMPLETION),
    Fault("commands/completing.py", "union.resolve(folder or", "union.find(folder or", COMPLETION),
    Fault("cli.py", "Output.is_paged = not is_ci() and", "Output.is_paged =", PAGER),
    Fault("commands/check.py", "    if file.exists():\n", "    if False:\n", INIT),
    Fault("gate/proposal.py", "if missing := subject.incompleteness():", "if missing := '':", INIT),
    Fault("gate/proposal.py", '("0.1" if outcome.status == Status.PASS else None)', '"0.1"', INIT),
]
