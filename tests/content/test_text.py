"""Text told from binary, and read in its encoding."""

import gzip
import random
import subprocess
from pathlib import Path

import pytest

from layertui.content.text import encoding_of, is_text

GERMAN = "Grüße aus München, schöne Straße über den Fluß\n"
RUSSIAN = "Привет, как дела? Это обычный русский текст.\n"
JAPANESE = "こんにちは世界、これはテストです。\n"

TEXTS = {
    "empty": (b"", "ASCII"),
    "ascii": (b"hello\nworld\n", "ASCII"),
    "escapes": (b"\x1b[31mred\x1b[0m\n", "ASCII"),
    "utf-8": (GERMAN.encode(), "UTF-8"),
    "utf-8 with a mark": (b"\xef\xbb\xbf" + GERMAN.encode(), "UTF-8 with BOM"),
    "utf-8, a byte of it wrong": ((GERMAN * 9).encode() + b"\xff\n", "UTF-8, damaged"),
    "utf-16 with a mark": (GERMAN.encode("utf-16"), "UTF-16LE"),
    "utf-16 big-endian with a mark": (b"\xfe\xff" + GERMAN.encode("utf-16-be"), "UTF-16BE"),
    "utf-16 without a mark": (GERMAN.encode("utf-16-le"), "UTF-16LE"),
    "utf-16 big-endian": (GERMAN.encode("utf-16-be"), "UTF-16BE"),
    "utf-32": (GERMAN.encode("utf-32"), "UTF-32LE"),
    "latin-1": (GERMAN.encode("latin-1"), "Windows-1252"),
    "windows-1252": ("“Grüße” – aus München und seinen Straßen…\n".encode("cp1252"), "Windows-1252"),
    "long latin-1": ((GERMAN * 2000).encode("latin-1")[:65536], "Windows-1252"),
    "one name in ascii": (b"# by Jos\xe9 Garc\xeda\n" + b"x = 1\n" * 5000, "Windows-1252"),
    "koi8-r": ((RUSSIAN * 5).encode("koi8-r"), "koi8-r"),
    "windows-1251": ((RUSSIAN * 5).encode("cp1251"), "cp1251"),
    "shift jis": ((JAPANESE * 5).encode("shift_jis"), "cp932"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_text_is_told_with_its_encoding(case: str) -> None:
    data, name = TEXTS[case]
    found = encoding_of(data, len(data))
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-32", "cp1251", "koi8-r"])
def test_text_is_read_as_it_was_written(codec: str) -> None:
    text = RUSSIAN * 5
    data = text.encode(codec)
    found = encoding_of(data, len(data))
    assert found is not None
    assert found.decode(data) == text


BINARIES = {
    "elf": b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "nul in text": b"hello\0world\n" * 9,
    "gzip": gzip.compress(b"hello", mtime=0),
    "random": random.Random(1).randbytes(500),
    "random without NULs": bytes(byte or 1 for byte in random.Random(2).randbytes(65536)),
    "random high bytes": bytes(byte | 0x80 for byte in random.Random(3).randbytes(500)),
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("case", BINARIES)
def test_binaries_are_told(case: str) -> None:
    assert encoding_of(BINARIES[case], len(BINARIES[case])) is None


def test_a_character_that_the_sample_cuts_is_whole() -> None:
    cut = "grün, ü".encode()[:-1]
    found = encoding_of(cut, 100)
    assert found is not None and found.name == "UTF-8"
    whole = encoding_of(cut, len(cut))
    assert whole is not None and whole.name != "UTF-8"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "cp932"])
def test_nothing_fails_to_decode(codec: str) -> None:
    found = encoding_of(b"x", 1)
    assert found is not None
    for seed in range(50):
        data = random.Random(seed).randbytes(seed * 3 + 1)
        type(found)(codec, codec).decode(data)


@pytest.mark.parametrize(
    ("data", "newline"),
    [
        (b"one line", "LF"),
        (b"a\nb\n", "LF"),
        (b"a\r\nb\r\n", "CRLF"),
        (b"a\rb\r", "CR"),
        (b"a\r\nb\n", "mixed"),
        (b"a\r\nb\r", "CRLF"),
        ("a\r\nb\r\n".encode("utf-16"), "CRLF"),
    ],
)
def test_line_ends_are_told(data: bytes, newline: str) -> None:
    found = encoding_of(data, len(data))
    assert found is not None and found.newline == newline


def test_is_text_as_diff_says(tmp_path: Path) -> None:
    for number, data in enumerate([*BINARIES.values(), *(data for data, _name in TEXTS.values())]):
        (tmp_path / "file").write_bytes(data + b"x")
        command = ["diff", "-u", "/dev/null", "file"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout
        assert is_text(data) == (not said.startswith(b"Binary")), number
