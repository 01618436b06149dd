"""Steps as people wrote them, out of histories as builders write them."""

import time

import pytest

from layertui.model.history_step import Step, step_of, step_text
from layertui.model.image import HistoryEntry


def entry(created_by: str = "", comment: str = "") -> HistoryEntry:
    return HistoryEntry(None, created_by, "", comment, None)


HISTORIES = {
    "docker": {
        "/bin/sh -c #(nop) ADD file:1b5a7d6e0c2f4938 in / ": "ADD a file in /",
        "/bin/sh -c #(nop) COPY dir:65d062cb343eff0dd5c594536cdfe81d3c985fe355a2ecd1b9058c3eeeeb1d53 in b      ": "COPY a directory in b",
        "/bin/sh -c #(nop) COPY multi:f7e08bb9a0fa9b4c in /usr/src/app/ ": "COPY files in /usr/src/app/",
        "/bin/sh -c #(nop) COPY --chown=1:1file:bbf286434faa07dcdf5b2fd6 in /x ": "COPY --chown=1:1 a file in /x",
        '/bin/sh -c #(nop)  CMD ["/bin/sh"]': 'CMD ["/bin/sh"]',
        '/bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"]': 'CMD ["nginx", "-g", "daemon off;"]',
        '/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "exec app --port $PORT"]': "CMD exec app --port $PORT",
        '/bin/sh -c #(nop)  ENTRYPOINT ["docker-entrypoint.sh"]': 'ENTRYPOINT ["docker-entrypoint.sh"]',
        "/bin/sh -c #(nop)  ENV PATH=/usr/local/bin:/usr/bin": "ENV PATH=/usr/local/bin:/usr/bin",
        "/bin/sh -c #(nop)  EXPOSE 80": "EXPOSE 80",
        "/bin/sh -c #(nop)  LABEL maintainer=NGINX Docker Maintainers <docker-maint@nginx.com>": "LABEL maintainer=NGINX Docker Maintainers <docker-maint@nginx.com>",
        "/bin/sh -c #(nop)  VOLUME [/var/lib/mysql]": "VOLUME /var/lib/mysql",
        "/bin/sh -c #(nop) WORKDIR /go": "WORKDIR /go",
        "/bin/sh -c set -x     && addgroup --system nginx     && rm -rf /var/lib/apt/lists/*": "RUN set -x && addgroup --system nginx && rm -rf /var/lib/apt/lists/*",
        "|2 VERSION=1.2 COMMIT=ab cd /bin/sh -c make VERSION=$VERSION": "RUN make VERSION=$VERSION",
        "|0 /bin/sh -c make": "RUN make",
        "/bin/bash -o pipefail -c curl -fsSL https://example.com/i | bash -": "RUN curl -fsSL https://example.com/i | bash -",
        "/bin/bash -euxo pipefail -c make": "RUN make",
        "/bin/ash -eo pipefail -c #(nop)  USER node": "USER node",
    },
    "buildkit": {
        "RUN /bin/sh -c apk add --no-cache git # buildkit": "RUN apk add --no-cache git",
        "RUN |1 STAGE=production /bin/sh -c configure --stage=$STAGE     && make # buildkit": "RUN configure --stage=$STAGE && make",
        "RUN |2 A=1 B=2 /app/install --all # buildkit": "RUN /app/install --all",
        "RUN /app/install --all # buildkit": "RUN /app/install --all",
        "RUN /bin/sh -c set -e\napt-get update\napt-get install -y git\n # buildkit": "RUN set -e ⏎ apt-get update ⏎ apt-get install -y git",
        "COPY root/ / # buildkit": "COPY root/ /",
        "COPY --chown=1000:1000 /src/app /app # buildkit": "COPY --chown=1000:1000 /src/app /app",
        "COPY <<EOF /etc/app.conf # buildkit": "COPY <<EOF /etc/app.conf",
        "ADD alpine-minirootfs-3.20.0-x86_64.tar.gz / # buildkit": "ADD alpine-minirootfs-3.20.0-x86_64.tar.gz /",
        'CMD ["python3" "app.py"]': 'CMD ["python3", "app.py"]',
        'CMD ["/bin/bash" "-o" "pipefail" "-c" "x"]': 'CMD ["/bin/bash", "-o", "pipefail", "-c", "x"]',
        'ENTRYPOINT ["/bin/sh" "-c" "echo \\"hi\\""]': 'ENTRYPOINT echo "hi"',
        "EXPOSE map[443/tcp:{} 8080/tcp:{}]": "EXPOSE 443/tcp 8080/tcp",
        "EXPOSE [8080/tcp]": "EXPOSE 8080/tcp",
        "ARG STAGE=production": "ARG STAGE=production",
        'HEALTHCHECK &{["CMD-SHELL" "wget -qO- localhost:8080/health"] "30s" "3s" "0s" \'\\x03\'}': "HEALTHCHECK --interval=30s --timeout=3s --retries=3 CMD wget -qO- localhost:8080/health",
        'HEALTHCHECK &{["CMD" "curl" "-f" "http://localhost/"] "0s" "0s" "1m0s" "0s" \'\\n\'}': 'HEALTHCHECK --start-period=1m0s --retries=10 CMD ["curl", "-f", "http://localhost/"]',
        'HEALTHCHECK &{["NONE"] "0s" "0s" "0s" \'\\x00\'}': "HEALTHCHECK NONE",
        'HEALTHCHECK &{["CMD-SHELL" "x"] "1.5s" "0s" "0s" "2s" \'\\x00\'}': "HEALTHCHECK --interval=1.5s --start-interval=2s CMD x",
        "HEALTHCHECK {Test:[CMD-SHELL wget -q localhost || exit 1] Interval:5s Timeout:2s StartPeriod:1m0s StartInterval:0s Retries:4}": "HEALTHCHECK --interval=5s --timeout=2s --start-period=1m0s --retries=4 CMD wget -q localhost || exit 1",
        "HEALTHCHECK {Test:[CMD do] Interval:30s Timeout:0s StartPeriod:0s StartInterval:1.5s Retries:0}": 'HEALTHCHECK --interval=30s --start-interval=1.5s CMD ["do"]',
        "HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}": "HEALTHCHECK NONE",
    },
    "buildah": {
        "/bin/sh -c #(nop) COPY file:84444ad88bd7fb1ac993a256408f10ce0befd4338385371c4b1943d8b219e0b4 in / ": "COPY a file in /",
        '/bin/sh -c #(nop) CMD ["/hello"]': 'CMD ["/hello"]',
        "/bin/sh -c dnf -y install httpd && dnf clean all": "RUN dnf -y install httpd && dnf clean all",
        "|1 FOO=bar /bin/sh -c echo $FOO": "RUN echo $FOO",
    },
    "kaniko": {
        "RUN chmod 444 /root/example/somefile1.txt": "RUN chmod 444 /root/example/somefile1.txt",
        "ADD .scripts/ /root/.data/": "ADD .scripts/ /root/.data/",
    },
    "windows": {
        "Apply image 10.0.20348.2113": "Apply image 10.0.20348.2113",
        'cmd /S /C #(nop)  CMD ["c:\\\\windows\\\\system32\\\\cmd.exe"]': 'CMD ["c:\\\\windows\\\\system32\\\\cmd.exe"]',
        "cmd /S /C mkdir C:\\app": "RUN mkdir C:\\app",
        "RUN cmd /S /C dotnet restore # buildkit": "RUN dotnet restore",
        "powershell -Command $ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; #(nop) COPY dir:0123456789ab in C:\\app ": "COPY a directory in C:\\app",
        "powershell -NoProfile -ExecutionPolicy Bypass -Command $ErrorActionPreference = 'Stop'; Install-WindowsFeature Web-Server": "RUN Install-WindowsFeature Web-Server",
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe -Command Get-Date": "RUN Get-Date",
    },
    "bazel": {"bazel build ...": "bazel build ..."},
    "docker commit": {"bash": "bash", "/bin/bash": "/bin/bash"},
    "no builder": {"": "", "crane append": "crane append", "FROMage blanc": "FROMage blanc"},
}


@pytest.mark.parametrize(
    ("created_by", "text"),
    [pair for steps in HISTORIES.values() for pair in steps.items()],
    ids=[f"{builder}-{number}" for builder, steps in HISTORIES.items() for number in range(len(steps))],
)
def test_steps_of_builders(created_by: str, text: str) -> None:
    assert step_text(entry(created_by)) == text


@pytest.mark.parametrize(
    ("created_by", "comment", "text"),
    [
        ("RUN /bin/sh -c make # buildkit", "buildkit.dockerfile.v0", "RUN make"),
        ("apko", "This is an apko single-layer image", "apko: This is an apko single-layer image"),
        ("jib-maven-plugin:3.4.0", "dependencies", "jib-maven-plugin:3.4.0: dependencies"),
        (
            "ko build ko://example.com/cmd/app",
            "go build output, at /ko-app/app",
            "ko build ko://example.com/cmd/app: go build output, at /ko-app/app",
        ),
        ("", "Imported from -", "Imported from -"),
        ("bash", "with my settings", "bash: with my settings"),
        (
            "",
            "store paths: ['/nix/store/0123456789abcdfghijklmnpqrsvwxyz-glibc-2.38-27', "
            "'/nix/store/zyxwvsrqpnmlkjihgfdcba9876543210-bash-5.2-p15']",
            "store paths glibc-2.38-27, bash-5.2-p15",
        ),
        ("", "store paths: ['unclosed", "store paths: ['unclosed"),
    ],
)
def test_builders_that_say_it_in_the_comment(created_by: str, comment: str, text: str) -> None:
    assert step_text(entry(created_by, comment)) == text


def test_the_instruction_is_told_from_its_arguments() -> None:
    assert step_of(entry("RUN /bin/sh -c make\nmake install # buildkit")) == Step("RUN", "make\nmake install")
    assert step_of(entry("/bin/sh -c make")) == Step("RUN", "make")
    assert step_of(entry("bazel build")) == Step("", "bazel build")


def test_control_characters_are_left_for_whoever_shows_them() -> None:
    assert step_text(entry("RUN /bin/sh -c echo \x1b[2J\r x")) == "RUN echo \x1b[2J\r x"


@pytest.mark.parametrize(
    "created_by",
    [
        "|9 " + "A=" * 30_000,
        "|3 " + "/bin/sh " * 10_000,
        "powershell " + "-Command " * 8_000,
        "HEALTHCHECK &{[" + '"' * 60_000,
        "HEALTHCHECK {Test:[" + "] Interval:" * 6_000,
        "HEALTHCHECK {Test:[CMD] Interval:0s Timeout:0s StartPeriod:0s Retries:" + "9" * 60_000 + "}",
        "CMD [" + '"\\' * 30_000 + "]",
        "COPY " + "dir:" * 15_000,
        "EXPOSE map[" + "[" * 60_000,
        "/bin/sh -c " + " " * 60_000 + "x",
        "sh " + "-e " * 20_000,
    ],
    ids=range(11),
)
def test_no_step_takes_long(created_by: str) -> None:
    started = time.process_time()
    step_text(entry(created_by))
    assert time.process_time() - started < 0.5
