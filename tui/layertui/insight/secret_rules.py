"""Formats of secrets, as their issuers document them, and of files that exist to contain secrets.

Only formats that are recognizable by themselves, to keep false positives rare: random-looking
strings and words like "password" in programs are ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """The format of one kind of secret."""

    name: str
    source: str
    """Where its issuer documents the format."""
    literals: tuple[bytes, ...]
    """Every match contains one of them: they are found much faster than the pattern."""
    pattern: re.Pattern[bytes]
    """Its last group, or else the whole match, is the secret. Every repetition has a bound: a file may consist of
    nothing but beginnings."""
    before: int = 0
    """Bytes that a match may have before the literal."""


def _rule(name: str, source: str, literals: tuple[bytes, ...], pattern: bytes, before: int = 0) -> Rule:
    return Rule(name, source, literals, re.compile(pattern), before)


_BREAK = rb"(?:\r?\n|\\n)"
_END = rb"(?![A-Za-z0-9_-])"

TOKENS = (
    _rule(
        "private key", "RFC 7468; OpenSSH PROTOCOL.key", (b"-----BEGIN ",),
        rb"-----BEGIN (?:[A-Z0-9]{1,40} )?PRIVATE KEY-----" + _BREAK
        + rb"(?:[A-Za-z-]{1,40}: [^\r\n]{0,100}\r?\n|\r?\n){0,5}[A-Za-z0-9+/=]{32}",
    ),
    _rule(
        "PGP private key", "RFC 9580, 6.2", (b"-----BEGIN ",),
        rb"-----BEGIN PGP PRIVATE KEY BLOCK-----" + _BREAK
        + rb"(?:[A-Za-z-]{1,40}: [^\r\n]{0,100}\r?\n|\r?\n){0,5}[A-Za-z0-9+/=]{32}",
    ),
    _rule(
        "PuTTY private key", "PuTTY manual, appendix C", (b"PuTTY-User-Key-File-",),
        rb"PuTTY-User-Key-File-[1-3]: \S{1,100}\r?\nEncryption: ",
    ),
    _rule(
        "AWS access key", "AWS IAM user guide, IAM identifiers", (b"AKIA", b"ASIA"),
        rb"(?<![A-Za-z0-9/+_-])(?:AKIA|ASIA)[A-Z2-7]{16}(?<!EXAMPLE)(?![A-Za-z0-9/+_-])",
    ),
    _rule(
        "AWS secret key", "AWS CLI user guide, credentials file", (b"aws_secret_access_key", b"AWS_SECRET_ACCESS_KEY"),
        rb"(?i:aws_secret_access_key)[\"']?\s{0,3}[=:]\s{0,3}[\"']?([A-Za-z0-9/+]{40})(?<!EXAMPLEKEY)(?![A-Za-z0-9/+=])",
    ),
    _rule(
        "GitHub token", "GitHub docs, about authentication", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
        rb"(?<![A-Za-z0-9_])gh[pousr]_[A-Za-z0-9]{36,251}" + _END,
    ),
    _rule(
        "GitHub token", "GitHub docs, about authentication", (b"github_pat_",),
        rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}" + _END,
    ),
    _rule(
        "GitLab token", "GitLab docs, token overview",
        (b"glpat-", b"gldt-", b"glrt-", b"glcbt-", b"glptt-", b"glsoat-", b"gloas-", b"glagent-"),
        rb"(?<![A-Za-z0-9_-])gl(?:pat|dt|rt|cbt|ptt|soat|oas|agent)-[A-Za-z0-9_.-]{20,300}",
    ),
    _rule(
        "Slack token", "Slack docs, tokens", (b"xoxb-", b"xoxp-", b"xoxa-", b"xoxe-", b"xoxs-", b"xapp-"),
        rb"(?<![A-Za-z0-9])(?:xox[abeps]-(?:\d{1,20}-){1,3}|xapp-\d-[A-Z0-9]{9,12}-\d{1,20}-)[A-Za-z0-9-]{20,200}",
    ),
    _rule(
        "Slack webhook", "Slack docs, incoming webhooks", (b"https://hooks.slack.com/services/",),
        rb"https://hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}",
    ),
    _rule(
        "Stripe key", "Stripe docs, API keys", (b"sk_live_", b"rk_live_"),
        rb"(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{24,247}" + _END,
    ),
    _rule(
        "Google API key", "Google Cloud docs, API keys", (b"AIza",),
        rb"(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}" + _END,
    ),
    _rule(
        "Google OAuth secret", "GitHub secret scanning, supported patterns", (b"GOCSPX-",),
        rb"(?<![A-Za-z0-9_-])GOCSPX-[A-Za-z0-9_-]{28}" + _END,
    ),
    _rule(
        "Azure storage key", "Azure docs, storage connection strings", (b"AccountKey=",),
        rb"AccountKey=([A-Za-z0-9+/]{86}==)",
    ),
    _rule(
        "npm token", "GitHub blog, npm's new access token format", (b"npm_",),
        rb"(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36}" + _END,
    ),
    _rule(
        "PyPI token", "PyPI, token scanning", (b"pypi-AgE",), rb"pypi-AgE[A-Za-z0-9_-]{60,400}",
    ),
    _rule(
        "Docker Hub token", "GitHub secret scanning, supported patterns", (b"dckr_pat_",),
        rb"dckr_pat_[A-Za-z0-9_-]{27}" + _END,
    ),
    _rule(
        "Hugging Face token", "Hugging Face docs, user access tokens", (b"hf_",),
        rb"(?<![A-Za-z0-9_])hf_[A-Za-z]{34}" + _END,
    ),
    _rule(
        "OpenAI key", "detect-secrets, plugins/openai.py", (b"T3BlbkFJ",),
        rb"sk-[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}",
        before=103,
    ),
    _rule(
        "Anthropic key", "GitHub secret scanning, supported patterns", (b"sk-ant-",),
        rb"sk-ant-[a-z0-9]{3,10}-[A-Za-z0-9_-]{80,120}",
    ),
    _rule(
        "SendGrid key", "detect-secrets, plugins/sendgrid.py", (b"SG.",),
        rb"(?<![A-Za-z0-9_-])SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}" + _END,
    ),
    _rule(
        "DigitalOcean token", "DigitalOcean docs, personal access tokens", (b"dop_v1_", b"doo_v1_", b"dor_v1_"),
        rb"do[opr]_v1_[a-f0-9]{64}" + _END,
    ),
    _rule("Vault token", "Vault docs, tokens", (b"hvs.", b"hvb."), rb"(?<![A-Za-z0-9_])hv[sb]\.[A-Za-z0-9_-]{90,300}"),
)  # fmt: skip
"""Searched in any text."""

_CONFIG_VALUE = rb"\s{0,9}[=:]\s{0,9}[\"']?([^\s\"'$#{<][^\s\"'#]{0,4000})"

SECRET_FILES = (
    (rb"\.npmrc", _rule("npm password", "npm docs, npmrc", (b"_auth", b"_password"), rb"_(?:authToken|auth|password)" + _CONFIG_VALUE)),
    (rb"\.pypirc", _rule("PyPI password", "PyPA, .pypirc", (b"password",), rb"(?m)^\s{0,9}password" + _CONFIG_VALUE)),
    (rb"[._]netrc", _rule("password of .netrc", "ftp(1), .netrc", (b"password",), rb"\bpassword\s{1,100}(\S{1,1000})")),
    (rb"\.git-credentials", _rule("git password", "git-credential-store(1)", (b"://",), rb"://[^\s:@/]{1,1000}:([^\s@/]{1,4000})@")),
    (rb"\.git\0config", _rule("git password", "git-config(1)", (b"://",), rb"://[^\s:@/]{1,1000}:([^\s@/]{1,4000})@")),
    (rb"\.git\0HEAD", _rule("git repository", "gitrepository-layout(5)", (b"ref:",), rb"^ref: \S{1,1000}")),
    (rb"(?:\.docker\0config\.json|\.dockercfg)", _rule("registry password", "docker login", (b'"auth"', b'"identitytoken"'), rb"\"(?:auth|identitytoken)\"\s{0,100}:\s{0,100}\"([^\"]{4,8000})\"")),
    (rb"(?:\.kube\0config|kubeconfig|etc\0kubernetes\0[a-z-]+\.conf)", _rule("Kubernetes credentials", "kubeconfig v1", (b"client-key-data:", b"token:", b"password:"), rb"(?m)^\s{0,40}(?:client-key-data|token|password)" + _CONFIG_VALUE)),
    (rb"\.pgpass", _rule("PostgreSQL password", "PostgreSQL docs, .pgpass", (b":",), rb"(?m)^[^#\s:][^:\n]{0,1000}(?::[^:\n]{0,1000}){3}:(\S{1,1000})")),
    (rb"\.my\.cnf", _rule("MySQL password", "MySQL docs, option files", (b"password",), rb"(?m)^\s{0,9}password" + _CONFIG_VALUE)),
    (rb"etc\0shadow-?", _rule("password hash", "shadow(5), crypt(5)", (b":$",), rb"(?m)^[^:\s]{1,1000}:(\$[^:\s]{1,1000})")),
    (rb"\.htpasswd", _rule("password hash", "htpasswd(1)", (b":",), rb"(?m)^[^:#\s]{1,1000}:(\S{8,1000})")),
    (rb"[^\0/]*\.tfstate", _rule("Terraform state", "Terraform docs, sensitive data in state", (b'"terraform_version"',), rb"\"terraform_version\"")),
)  # fmt: skip
"""Searched in files whose names match (see :meth:`layertui.union.model.LayerUnion.matching`)."""

_SECRET_VARIABLES = (
    rb"[A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS)"
)
_QUOTED_VALUE = rb"(?:\"([^\"$]{4,4000})\"|'([^'$]{4,4000})'|([^\s\"'$/<{;&|][^\s\"';&|]{3,4000}))"
ASSIGNMENTS = (
    Rule(
        "secret variable", "Docker docs, build check SecretsUsedInArgOrEnv", (b"=", b":"),
        re.compile(rb"(?<![A-Za-z0-9_])" + _SECRET_VARIABLES + rb"=(?!(?i:true|false|none|null|changeit)\b)" + _QUOTED_VALUE),
    ),
    Rule(
        "password in a URL", "RFC 3986, 3.2.1", (b"://",),
        re.compile(rb"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{0,100}:([^\s/@'\"$]{1,100})@[A-Za-z0-9\[]"),
    ),
)  # fmt: skip
"""Searched in environment, labels and history, and in files named ``.env``."""
DOTENV = rb"\.env(?:\.[^\0/]*)?"
RULE_NAMES = sorted({rule.name for rule in (*TOKENS, *ASSIGNMENTS, *(rule for _, rule in SECRET_FILES))})
"""Names of all kinds of secrets."""
