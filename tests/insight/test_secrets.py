"""Secrets in layers and configs. Those here are fake, and put together when the tests run."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable, Iterator
from functools import partial
from re import _constants, _parser  # type: ignore[attr-defined]  # not in the typeshed
from typing import Any

import pytest

from layertui import demo
from layertui.content.read import Contents
from layertui.insight.secret_rules import ASSIGNMENTS, SECRET_FILES, TOKENS, Rule
from layertui.insight.secrets import Secrets, secrets
from layertui.model.image import HistoryEntry
from layertui.model.job import Cancelled, Job
from layertui.union.model import LayerUnion
from tests.commands.samples import tar
from tests.content.archives import sparse_tar
from tests.images import layers_of, union_of

A = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE2fG4hJ6kL8mN1pQ3rS5tU7vW9xY2zA4bC6dE8fG1hJ3kL5mN7pQ9"


def token(start: str, length: int, end: str = "") -> str:
    return start + A[:length] + end


EXAMPLES = {
    "private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + A[:64],
    "PGP private key": "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----\nVersion: 1\n\n" + A[:64],
    "PuTTY private key": "PuTTY-User-" + "Key-File-3: ssh-ed25519\nEncryption: none",
    "AWS access key": "AKIA" + "ABCDEFGHIJ234567",
    "AWS secret key": token("aws_secret_access_key = ", 40),
    "GitHub token": token("ghp_", 36),
    "GitLab token": token("glpat-", 20),
    "Slack token": token("xoxb-" + "123456789012-123456789012-", 24),
    "Slack webhook": token("https://hooks.slack.com/" + "services/T12345678/B12345678/", 24),
    "Stripe key": token("sk_" + "live_", 24),
    "Google API key": token("AIza", 35),
    "Google OAuth secret": token("GOCSPX-", 28),
    "Azure storage key": token("AccountKey=", 86, "=="),
    "npm token": token("npm_", 36),
    "PyPI token": token("pypi-AgE", 70),
    "Docker Hub token": token("dckr_pat_", 27),
    "Hugging Face token": "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "OpenAI key": token("sk-", 20, "T3BlbkFJ" + A[:20]),
    "Anthropic key": token("sk-ant-api03-", 90),
    "SendGrid key": token("SG.", 22, "." + A[:43]),
    "DigitalOcean token": "dop_v1_" + "0123456789abcdef" * 4,
    "Vault token": token("hvs.", 92),
}
NAMED = {
    "/root/.npmrc": ("npm password", "//r.example/:_authToken=abcdefgh"),
    "/root/.pypirc": ("PyPI password", "[pypi]\nusername = me\npassword = opensesame"),
    "/root/.netrc": ("password of .netrc", "machine h login me password opensesame"),
    "/root/.git-credentials": ("git password", "https://me:opensesame@git.example"),
    "/app/.git/config": ("git password", "url = https://me:opensesame@git.example/x"),
    "/app/.git/HEAD": ("git repository", "ref: refs/heads/main"),
    "/root/.docker/config.json": ("registry password", '{"auths": {"r": {"auth": "bWU6b3Blbg=="}}}'),
    "/root/.kube/config": ("Kubernetes credentials", "users:\n- user:\n    token: opensesame"),
    "/root/.pgpass": ("PostgreSQL password", "host:5432:db:me:opensesame"),
    "/root/.my.cnf": ("MySQL password", "[client]\npassword=opensesame"),
    "/etc/shadow": ("password hash", "root:$6$abc$def:19000:0:99999:7:::"),
    "/srv/.htpasswd": ("password hash", "me:$apr1$abcdefgh$ijk"),
    "/x/terraform.tfstate": ("Terraform state", '{"version": 4, "terraform_version": "1.5.0"}'),
    "/app/.env": ("secret variable", "DB_PASSWORD=opensesame"),
}


def of(*tars: bytes, config: dict[str, Any] | None = None, history: tuple[str, ...] = ()) -> Secrets:
    steps = [HistoryEntry(None, step, "", "", None) for step in history]
    image = demo.image()._replace(layers=layers_of(tars), config={"config": config or {}}, history=steps)
    union: LayerUnion = union_of(image.layers)
    return secrets(image, union, Contents(image, union.indexes, union))


@pytest.mark.parametrize("rule", EXAMPLES)
def test_tokens(rule: str) -> None:
    (found,) = of(tar(("/notes.txt", f"first\nx: '{EXAMPLES[rule]}'\n".encode()))).found
    assert (found.rule, found.where, found.name, found.line) == (rule, "file", "/notes.txt", 2)
    assert found.text in EXAMPLES[rule] and len(found.masked) < len(found.text)


def test_there_is_an_example_for_every_rule() -> None:
    assert set(EXAMPLES) == {rule.name for rule in TOKENS}
    assert {rule for rule, _ in NAMED.values()} == {rule.name for _, rule in SECRET_FILES} | {
        "secret variable"
    }


@pytest.mark.parametrize("path", NAMED)
def test_files_that_exist_to_hold_secrets(path: str) -> None:
    rule, text = NAMED[path]
    (found,) = of(tar((path, text.encode()))).found
    assert (found.rule, found.name) == (rule, path)
    assert of(tar((path + "x", text.encode()))).found == []


@pytest.mark.parametrize(
    "text",
    [
        "aws_access_key_id = " + "AKIA" + "IOSFODNN7EXAMPLE",
        'if "-----BEGIN RSA ' + 'PRIVATE KEY-----" in text:',
        "-----BEGIN PUBLIC KEY-----\n" + A[:64],
        "password = input()",
        A,
    ],
)  # fmt: skip
def test_what_is_no_secret(text: str) -> None:
    assert of(tar(("/notes.txt", text.encode()))).found == []


def test_references_and_empty_values_are_none() -> None:
    text = "A_TOKEN=$CI_TOKEN\nB_TOKEN=\nC_TOKEN=${X}\nTOKEN_FILE=/run/secrets/t\nD_TOKEN=/run/t\nE_TOKEN=false\n"
    assert of(tar(("/app/.env", text.encode()))).found == []
    assert of(tar(("/root/.npmrc", b"//r.example/:_authToken=${NPM_TOKEN}"))).found == []


def test_hidden_files_are_looked_into_too_and_come_last() -> None:
    key = EXAMPLES["GitHub token"].encode()
    found = of(tar(("/a", key), ("/b", key)), tar(("/.wh.a", b""), ("/c", key))).found
    assert [(row.name, row.layer, row.is_visible) for row in found] == [
        ("/b", 1, True),
        ("/c", 2, True),
        ("/a", 1, False),
    ]


def test_a_secret_twice_in_a_file_is_one_finding() -> None:
    key = EXAMPLES["GitHub token"]
    assert len(of(tar(("/a", f"{key}\n{key}\n{key[:-1]}x".encode()))).found) == 2


def test_every_name_of_a_file_counts() -> None:
    (found,) = of(tar(("/app/settings", b"DB_PASSWORD=opensesame"), ("/app/.env", "=app/settings"))).found
    assert (found.rule, found.name) == ("secret variable", "/app/settings")


@pytest.mark.parametrize("seed", range(3))
def test_secrets_among_many_files(seed: int) -> None:
    """At the beginning and end of files, several in one, beside binary files and many without."""
    random_ = random.Random(seed)
    names = list(EXAMPLES)
    members: list[tuple[str, bytes]] = []
    expected = set()
    for number in range(300):
        path, lines = f"/f{number}", [A] * random_.randrange(200)
        if random_.random() < 0.2:
            members.append((path, b"\0" + EXAMPLES[random_.choice(names)].encode()))
            continue
        for rule in random_.sample(names, random_.choice((0, 0, 1, 2))):
            lines.insert(random_.randrange(len(lines) + 1), EXAMPLES[rule])
            expected.add((path, rule))
        members.append((path, "\n".join(lines).encode()))
    found = of(tar(*members)).found
    assert {(row.name, row.rule) for row in found} == expected
    for row in found:
        text = dict(members)[row.name].decode()
        assert row.line is not None and row.text.split("\n")[0] in text.split("\n")[row.line - 1]


def test_a_text_full_of_what_looks_like_a_beginning() -> None:
    """What lies around the places overlaps, and is searched once."""
    text = b"ghp_" * 50_000 + EXAMPLES["GitHub token"].encode()
    assert of(tar(("/a", text))).found == []
    assert [row.line for row in of(tar(("/a", text[:-40] + b"\n" + text[-40:]))).found] == [2]


def test_looking_stops_when_cancelled() -> None:
    job = Job()
    image = demo.image()._replace(layers=layers_of([tar(("/a", b"1"))]), config={}, history=())
    union = union_of(image.layers)
    job.cancel()
    with pytest.raises(Cancelled):
        secrets(image, union, Contents(image, union.indexes, union), job=job)


def test_binary_files_are_left_out() -> None:
    key = EXAMPLES["GitHub token"].encode()
    assert of(tar(("/binary", b"\0" + key), ("/large", b"\0" + key.ljust(5 << 20)))) == Secrets([], 0)


WINDOW, OVERLAP = 4 << 20, 1 << 16


@pytest.mark.parametrize("compress", [bytes, partial(gzip.compress, compresslevel=1)], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "place",
    [0, WINDOW - OVERLAP, WINDOW, WINDOW + OVERLAP, 2 * WINDOW - OVERLAP, 2 * WINDOW, 9_000_000, 12_000_000],
)
def test_large_texts_are_searched_in_pieces_that_overlap(
    place: int, compress: Callable[[bytes], bytes]
) -> None:
    """A secret anywhere in a text of 12 MB: at its ends, and across every boundary of what is read at once."""
    key = b"\n" + EXAMPLES["private key"].encode() + b"\n"
    text = (b"x" * 79 + b"\n") * 150_000
    for shift in (0, 30, 60):
        at = max(place - shift, 0)
        with_key = text[:at] + key + text[at:]
        layers = tar(("/small", b"1"), ("/dump.sql", with_key), ("/after", EXAMPLES["npm token"].encode()))
        assert [(row.rule, row.name, row.line) for row in of(compress(layers)).found] == [
            ("private key", "/dump.sql", at // 80 + 2),
            ("npm token", "/after", 1),
        ]


@pytest.mark.parametrize("codec", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("lines", [10, 400_000])
def test_texts_with_a_byte_order_mark(codec: str, lines: int) -> None:
    """What PowerShell writes, small and large."""
    text = "größer\n" * lines + EXAMPLES["GitHub token"]
    (found,) = of(tar(("/notes.txt", text.encode(codec)))).found
    assert (found.rule, found.line) == ("GitHub token", lines + 1)


def test_a_secret_twice_in_a_large_text_is_one_finding() -> None:
    key = EXAMPLES["GitHub token"].encode()
    text = (key + b"\n").ljust(6 << 20) + key
    assert [row.line for row in of(tar(("/dump.sql", text))).found] == [1]


def test_what_is_stored_of_a_large_sparse_file_is_searched() -> None:
    """Its holes are not read: it may claim more than there is anywhere."""
    key = EXAMPLES["GitHub token"].encode()
    text, end = b"a line\n" * 20_000 + key + b"\n", 1 << 60
    layer = sparse_tar((0, len(text)), (end - len(key), len(key)), size=end, data=text + key)
    assert [row.line for row in of(layer).found] == [20_001]


def test_a_large_file_that_cannot_be_read_is_counted() -> None:
    whole = tar(("/a", b"1" * (6 << 20)), ("/b", b"1"))
    union = union_of(layers_of([whole]))
    image = demo.image()._replace(layers=layers_of([whole[: 5 << 20]]), config={}, history=())
    assert secrets(image, union, Contents(image, union.indexes, union)) == Secrets([], 2)


def test_what_cannot_be_read_is_counted() -> None:
    whole = tar(("/a", b"1" * 2000), ("/b", b"1" * 2000))
    union = union_of(layers_of([whole]))
    image = demo.image()._replace(layers=layers_of([whole[:3000]]), config={}, history=())
    assert secrets(image, union, Contents(image, union.indexes, union)) == Secrets([], 1)


def test_environment_labels_and_history() -> None:
    token = EXAMPLES["GitHub token"]
    found = of(
        config={
            "Env": ["PATH=/usr/bin", "DB_PASSWORD=opensesame", "URL=postgres://me:opensesame@db/x", "GPG_KEY=ABCD"],
            "Labels": {"deploy": token, "name": "x"},
        },
        history=(f"RUN |1 NPM_TOKEN={A[:20]} /bin/sh -c npm ci", "RUN true"),
    ).found  # fmt: skip
    assert [(row.rule, row.where, row.name, row.text) for row in found] == [
        ("secret variable", "environment", "DB_PASSWORD", "opensesame"),
        ("password in a URL", "environment", "URL", "opensesame"),
        ("GitHub token", "label", "deploy", token),
        ("secret variable", "history", "RUN |1 NPM_TOKEN=… /bin/sh -c npm ci", A[:20]),
    ]


def test_one_secret_counts_once() -> None:
    """By its most specific rule, and not again in the steps that set the variable and were run with it."""
    key, password = A[:40], "opensesame"
    found = of(
        config={"Env": [f"AWS_SECRET_ACCESS_KEY={key}"], "Labels": {"url": f"https://x:{EXAMPLES['npm token']}@h/"}},
        history=(
            f"ENV AWS_SECRET_ACCESS_KEY={key}",
            f"RUN |1 DB_PASSWORD={password} /bin/sh -c one",
            f"RUN |1 DB_PASSWORD={password} /bin/sh -c two",
        ),
    ).found  # fmt: skip
    assert [(row.rule, row.where, row.text) for row in found] == [
        ("AWS secret key", "environment", key),
        ("npm token", "label", EXAMPLES["npm token"]),
        ("secret variable", "history", password),
    ]
    dotenv = f"AWS_SECRET_ACCESS_KEY={key}\nB_PASSWORD={password}\n"
    assert [(row.rule, row.line) for row in of(tar(("/app/.env", dotenv.encode()))).found] == [
        ("AWS secret key", 1),
        ("secret variable", 2),
    ]
    key = EXAMPLES["private key"].replace("\n", "\nComment: B_PASSWORD=opensesame\n\n", 1)
    assert [row.rule for row in of(tar(("/app/.env", key.encode()))).found] == ["private key"]
    npmrc = f"//r.example/:_authToken={EXAMPLES['npm token']}"
    assert [row.rule for row in of(tar(("/root/.npmrc", npmrc.encode()))).found] == ["npm token"]


RULES = [*TOKENS, *ASSIGNMENTS, *(rule for _, rule in SECRET_FILES)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_repetition_of_a_pattern_has_a_bound(rule: Rule) -> None:
    def bounds(parsed: Any) -> Iterator[int]:
        for operation, argument in parsed:
            if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
                yield int(argument[1])
            for part in argument if isinstance(argument, (tuple, list)) else [argument]:
                for inner in part if isinstance(part, list) else [part]:
                    if isinstance(inner, _parser.SubPattern):
                        yield from bounds(inner)

    parsed = _parser.parse(rule.pattern.pattern, rule.pattern.flags & ~re.UNICODE)
    assert all(bound <= 8000 for bound in bounds(parsed))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_text_of_nothing_but_beginnings_is_searched_in_its_length(rule: Rule) -> None:
    """As many beginnings as fit: if each were searched to the end of the text, this would take hours."""
    for literal in rule.literals:
        for fill in (b"", b"a:", b"=a", b" ", b'"', b"A", b"\n", b": x", b"1-"):
            text = (literal + fill) * ((1 << 18) // len(literal + fill))
            for _ in rule.pattern.finditer(text):
                pass


def test_a_config_of_another_form_was_not_searched() -> None:
    assert of(config={"Env": ["A=1"], "Labels": None}).unsearched == ""
    assert of(config={"Env": {"TOKEN": "opensesame"}}).unsearched == "config.Env in the config is not a list"


def test_masked_unless_asked_for() -> None:
    (found,) = of(tar(("/app/.env", b"DB_PASSWORD=opensesame"))).found
    assert found.to_json(False)["secret"] == "10 characters"
    assert found.to_json(True)["secret"] == "opensesame"
    (found,) = of(tar(("/a", EXAMPLES["GitHub token"].encode()))).found
    assert found.to_json(False)["secret"] == f"ghp…{EXAMPLES['GitHub token'][-3:]}"
