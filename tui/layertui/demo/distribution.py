"""The sample's base image: Held Linux, a small fictional distribution."""

from __future__ import annotations

from layertui.demo.filesystem import Filesystem
from layertui.demo.packages import SamplePackage, binary, install

OS_RELEASE_FILE = """\
NAME="Held Linux"
ID=held
VERSION_ID={version}
VERSION="{version} (Basalt)"
PRETTY_NAME="Held Linux {version}"
HOME_URL="https://held.example/"
BUG_REPORT_URL="https://held.example/issues"
"""

PASSWD_FILE = """\
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
mail:x:8:12:mail:/var/mail:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""

GROUP = """\
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
tty:x:5:
mail:x:12:mail
shadow:x:42:
nobody:x:65534:
"""

PROFILE = """\
# System-wide settings of login shells.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PAGER=less
umask 022

if [ -n "$PS1" ]; then
    PS1='\\u@\\h:\\w\\$ '
fi

for script in /etc/profile.d/*.sh; do
    [ -r "$script" ] && . "$script"
done
unset script
"""

MOTD = """\
Welcome to Held Linux.

The wiki has short guides for all that people ask: https://held.example/wiki
"""

APPLETS = ("cat", "chmod", "chown", "cp", "grep", "ln", "ls", "mkdir", "mv", "rm", "sed", "sh", "touch")

NET_RAW = b"\x01\0\0\x02" + b"\0\x20\0\0" + bytes(12)
"""``cap_net_raw=ep`` as ``vfs_cap_data`` of revision 2."""


def base(system: Filesystem) -> None:
    """Install the distribution in an empty file system."""
    for directory in ("dev", "home", "mnt", "opt", "proc", "run", "srv", "sys", "var/log", "var/cache/apk"):
        system.mkdir(directory)
    system.mkdir("root", 0o700)
    for directory in ("tmp", "var/tmp"):
        system.mkdir(directory, 0o1777)
    for directory in ("bin", "lib", "sbin"):  # merged /usr
        system.mkdir(f"usr/{directory}")
        system.symlink(directory, f"usr/{directory}")
    system.symlink("var/run", "../run")
    install(system, *_packages())
    system.symlink("etc/os-release", "../usr/lib/os-release")
    for applet in APPLETS:
        system.symlink(f"usr/bin/{applet}", "held-box")
    system.symlink("usr/lib/libc.so.1", "libc.so.1.2.5")
    system.setcap("usr/bin/ping", NET_RAW)
    system.chmod("etc/shadow", 0o640)
    system.chown("etc/shadow", 0, 42)
    system.write("var/log/lastlog", bytes(16 * 1024))  # one record a user, all of them empty
    system.fifo("run/initctl", 0o600)


def _packages() -> list[SamplePackage]:
    return [
        SamplePackage(
            "held-baselayout",
            "3.1.0-r2",
            "Directories and files that every Held system has",
            "MIT",
            {
                "etc/group": (GROUP, 0o644),
                "etc/hostname": ("localhost\n", 0o644),
                "etc/motd": (MOTD, 0o644),
                "etc/passwd": (PASSWD_FILE, 0o644),
                "etc/profile": (PROFILE, 0o644),
                "etc/profile.d/locale.sh": ("export CHARSET=UTF-8 LANG=C.UTF-8\n", 0o644),
                "etc/shadow": ("root:*::0:::::\nbin:!::0:::::\nnobody:!::0:::::\n", 0o640),
                "etc/shells": ("/bin/sh\n/bin/ash\n", 0o644),
                "usr/lib/os-release": (OS_RELEASE_FILE.format(version="3.1"), 0o644),
            },
        ),
        SamplePackage(
            "held-box",
            "1.37.0-r4",
            "Small versions of common tools in one program",
            "GPL-2.0-only",
            {
                "usr/bin/held-box": (binary("held-box", 24_000, "HeldBox v1.37.0", *APPLETS), 0o755),
                "usr/bin/ping": (binary("ping", 3_000, "usage: ping [-c COUNT] HOST"), 0o755),
                "usr/bin/su": (binary("su", 2_500, "usage: su [-] [USER]"), 0o4755),
            },
        ),
        SamplePackage(
            "libc",
            "1.2.5-r1",
            "The C library",
            "MIT",
            {"usr/lib/libc.so.1.2.5": (binary("libc.so.1", 14_000, "libc 1.2.5"), 0o755)},
        ),
        SamplePackage(
            "apk-tools",
            "2.14.4-r0",
            "Package manager",
            "GPL-2.0-only",
            {
                "etc/apk/arch": ("x86_64\n", 0o644),
                "etc/apk/repositories": (
                    "https://packages.held.example/v3.1/main\nhttps://packages.held.example/v3.1/community\n",
                    0o644,
                ),
                "usr/sbin/apk": (binary("apk", 7_000, "apk-tools 2.14.4, compiled for x86_64."), 0o755),
            },
        ),
    ]
