"""``layertui mcp``, with the client of the protocol's own SDK over standard input and output."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from layertui.cli import main
from tests.commands.samples import HOSTILE, eventful, tar
from tests.layouts import OciLayout
from tests.waiting import SECONDS

TOOLS = {
    "list_images", "history", "tree", "changes", "versions", "read_file", "search", "find", "insight", "compare",
}  # fmt: skip


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Any]:
    """A client of a server that runs in a folder."""
    pytest.importorskip("mcp.server.mcpserver", exc_type=ImportError)  # since version 2
    sdk = pytest.importorskip("mcp")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    server = sdk.StdioServerParameters(
        command=sys.executable, args=["-m", "layertui", "mcp"], env=environment, cwd=folder
    )
    async with sdk.Client(server, read_timeout_seconds=SECONDS) as client:
        yield client


async def ask(client: Any, tool: str, **arguments: Any) -> Any:
    """The answer of a tool."""
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert not result.is_error, content.text
    assert content.text.isascii()
    return json.loads(content.text)


async def refused(client: Any, tool: str, **arguments: Any) -> str:
    """The error of a tool."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)


def printed(*words: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-m", "layertui", *words, "--json"], capture_output=True, check=False
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_every_tool_answers_as_its_command_does(tmp_path: Path) -> None:
    folder = str(eventful(tmp_path))
    async with connected(tmp_path) as client:
        listed = (await client.list_tools()).tools
        assert {tool.name for tool in listed} == TOOLS
        for tool in listed:
            assert tool.annotations.read_only_hint and tool.description and tool.input_schema["properties"]
        assert "Layers are numbered from 1" in client.instructions

        assert (await ask(client, "tree", image=folder))["rows"] == printed("tree", folder)
        assert HOSTILE in [row["path"] for row in (await ask(client, "tree", image=folder))["rows"]]
        lower = await ask(client, "tree", image=folder, path="/etc", layer=1)
        assert lower["rows"] == printed("tree", folder, "/etc", "--layer", "1")
        assert (await ask(client, "history", image=folder))["rows"] == printed("history", folder)
        assert (await ask(client, "changes", image=folder, layer=2))["rows"] == printed(
            "changes", folder, "--layer", "2"
        )
        assert (await ask(client, "versions", image=folder, path="/gone"))["rows"] == printed(
            "log", folder, "/gone"
        )
        found = await ask(
            client, "search", image=folder, pattern="T[w]o", regex=True, ignore_case=True, hidden=True
        )
        assert found["rows"] == printed("search", folder, "T[w]o", "-E", "-i", "--hidden")
        found = await ask(client, "find", pattern="so", images=[folder, "demo:"])
        assert found["rows"] == printed("find", "so", folder, "demo:")
        found = await ask(client, "find", pattern="libc", images=["demo:"], kind="package")
        assert [row["version"] for row in found["rows"]] == ["1.2.5-r1"]
        rows = (await ask(client, "list_images", sources=[folder, "demo:"]))["rows"]
        assert [row["Reference"] for row in rows] == [f"oci:{folder}:1", "demo:"]
        assert (await ask(client, "compare", a=folder, b=folder))["equal"] is True
        assert (await ask(client, "insight", image=folder, parts=["waste"]))["waste"]["paths"]
        secrets = (await ask(client, "insight", image="demo:", parts=["secrets"]))["secrets"]
        assert secrets[0]["secret"] == "sam…789"


async def test_answers_are_bounded_and_say_so(tmp_path: Path) -> None:
    files = [(f"/f{number:04}", b"x" * number) for number in range(3000)]
    OciLayout(tmp_path / "many").add("1", [tar(*files), tar(*((path, b"y" + data) for path, data in files))])
    async with connected(tmp_path) as client:
        first = await ask(client, "tree", image="many", limit=10)
        assert (len(first["rows"]), first["cut"]) == (10, "there are more rows: offset=10")
        then = await ask(client, "tree", image="many", limit=2, offset=10)
        assert [row["path"] for row in then["rows"]] == ["/f0010", "/f0011"]
        last = await ask(client, "tree", image="many", limit=10, offset=2995)
        assert len(last["rows"]) == 5 and "cut" not in last
        most = await client.call_tool("tree", {"image": "many", "limit": 1_000_000})
        assert 10_000 < len(most.content[0].text) < 70_000
        assert "there are more rows: offset=" in json.loads(most.content[0].text)["cut"]
        report = await client.call_tool("insight", {"image": "many", "limit": 100_000})
        assert len(report.content[0].text) < 70_000
        cut = json.loads(report.content[0].text)["cut"]["rows in all, of lists that are cut"]
        assert cut["waste.paths"] == 2999
        piece = await ask(client, "read_file", image="many", path="/f2999", limit=100, offset=2950)
        assert (piece["text"], piece["bytes"]) == ("x" * 50, 50) and "cut" not in piece
        piece = await ask(client, "read_file", image="many", path="/f2999", limit=100)
        assert (piece["text"], piece["cut"]) == ("y" + "x" * 99, "the file goes on at offset=100")


async def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    blob = max((eventful(tmp_path) / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    OciLayout(tmp_path / "texts").add("1", [tar(("/é", "é".encode() * 10), ("/binary", b"\xff\0"))])
    blob.write_bytes(blob.read_bytes()[:3000])
    async with connected(tmp_path) as client:
        part = await ask(client, "tree", image="image")
        assert part["rows"] and "layer 1 could not be read completely" in part["problems"][0]
        told = await refused(client, "tree", image="demo:", path="/etc/pasword")
        assert told.endswith(
            "no /etc/pasword at layer 9, nearest existing path: /etc, did you mean /etc/passwd"
        )
        assert "--help does not exist" in await refused(client, "history", image="--help")
        assert "did you mean /etc/passwd" in await refused(
            client, "read_file", image="demo:", path="/etc/pasword"
        )
        assert "is a directory" in await refused(client, "read_file", image="demo:", path="/etc")
        assert "layer" in await refused(client, "tree", image="demo:", layer="nine")
        cut = await ask(client, "read_file", image="texts", path="/é", limit=3)
        assert (cut["text"], cut["cut"]) == ("é", "the file goes on at offset=2")
        binary = await ask(client, "read_file", image="texts", path="/binary")
        assert base64.b64decode(binary["base64"]) == b"\xff\0"
        assert (await ask(client, "find", pattern="nowhere", images=["texts"])) == {"rows": []}


async def test_a_call_that_is_cancelled_ends_its_work(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def writing() -> int:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads
            return -1

    async def until(condition: Any) -> Any:
        async with asyncio.timeout(SECONDS):
            while not (found := condition()):
                await asyncio.sleep(0.01)
        return found

    async with connected(tmp_path) as client:
        call = asyncio.create_task(client.call_tool("tree", {"image": str(pipe)}))
        writer = await until(lambda: max(writing(), 0))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        def is_gone() -> bool:
            try:
                os.write(writer, b"x")
            except BlockingIOError:
                pass
            except BrokenPipeError:
                return True
            return False

        assert await until(is_gone)
        os.close(writer)
        assert (await ask(client, "tree", image="demo:", limit=1))["rows"]  # the server goes on


def test_without_the_sdk_one_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    assert main(["mcp"]) == 2
    assert capsys.readouterr().err == (
        "layertui: cannot serve tools, version 2 of the mcp package is not installed, pip install 'layertui[mcp]'\n"
    )
