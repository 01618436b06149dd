"""Human-readable values of extended attributes."""

import struct

_CAPABILITIES = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
]
"""By number (linux/capability.h)."""
_EFFECTIVE = 1
_REVISIONS = {1: "<II", 2: "<IIII", 3: "<IIIII"}
"""Little-endian words after the first (``struct vfs_cap_data``)."""


def describe(name: str, value: bytes) -> str:
    """Return an attribute's value: capabilities as in ``getcap``, quoted text, or else hex."""
    if name == "security.capability":
        capabilities = _capabilities(value)
        if capabilities:
            return capabilities
    try:
        text = value.removesuffix(b"\0").decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not value):
        return f'"{text}"'
    return "0x" + value.hex()


def _capabilities(value: bytes) -> str:
    """Return capabilities as ``cap_net_raw=ep``; empty if the kernel would reject the value."""
    if len(value) < 4:
        return ""
    (magic,) = struct.unpack_from("<I", value)
    layout = _REVISIONS.get(magic >> 24)
    if layout is None or len(value) != 4 + struct.calcsize(layout):
        return ""
    words = struct.unpack_from(layout, value, 4)
    high = len(words) > 2
    permitted = words[0] | (words[2] << 32 if high else 0)
    inheritable = words[1] | (words[3] << 32 if high else 0)
    by_flags: dict[str, list[str]] = {}
    for number in range(64):
        bit = 1 << number
        if not (permitted | inheritable) & bit:
            continue
        flags = "e" * bool(magic & _EFFECTIVE) + "i" * bool(inheritable & bit) + "p" * bool(permitted & bit)
        known = _CAPABILITIES[number] if number < len(_CAPABILITIES) else str(number)
        by_flags.setdefault(flags, []).append("cap_" + known)
    text = " ".join(f"{','.join(names)}={flags}" for flags, names in by_flags.items()) or "no capabilities"
    if len(words) == 5 and words[4]:
        text += f", for the user namespace of user {words[4]}"
    return text
