"""The steps of a Dockerfile, run without Docker: each stage in a root folder of its own, by chroot.

What the base images bring is given by the machine: an empty Debian of debootstrap with its Python, and this machine's
Rust. So the names of the images are believed, and each step behind them is run as it stands.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = "python3,python3-venv,gcc,libc6-dev,ca-certificates"
"""What the images named `python:` bring beside Debian."""

PASSED_ON = ("PIP_", "SSL_", "CARGO_HTTP_", "CURL_", "http_", "https_", "HTTP_", "HTTPS_", "no_", "NO_")
"""Variables that say how this machine reaches its registries."""

FILES_PASSED_ON = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")

STEP_S = 900.0

_MOUNTED = """
set -eu
root=$1; shift
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do mkdir -p "$root$2"; mount --bind "$1" "$root$2"; shift 2; done; shift
exec "$@"
"""
"""In a mount namespace of its own, of which nothing is left when the step has ended."""


@dataclass
class Stage:
    """A stage: where its files lie, what it lends from the machine (by the path inside), and its settings so far."""

    root: Path
    lent: dict[str, Path] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin"})
    folder: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)

    def command(self, words: list[str]) -> list[str]:
        """How this machine runs these words inside, as the stage's user."""
        lent = [word for inside, path in self.lent.items() for word in (str(path), inside)]
        entered = ["chroot", f"--userspec={self.user}", str(self.root), "/usr/bin/env", "-i"]
        passed_on = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        settings = {"HOME": "/tmp", **passed_on, **self.environment}  # noqa: S108  # a folder of the stage
        given = [f"{name}={value}" for name, value in settings.items()]
        inside = ["sh", "-c", f'cd {shlex.quote(self.folder)} && exec "$@"', "sh", *words]
        return [
            "unshare",
            "--mount",
            "sh",
            "-c",
            _MOUNTED,
            "sh",
            str(self.root),
            *lent,
            "--",
            *entered,
            *given,
            *inside,
        ]

    def run(self, words: list[str]) -> str:
        """Run these words inside; gives what they print. Raises `AssertionError` with it where they fail."""
        done = subprocess.run(
            self.command(words), capture_output=True, text=True, timeout=STEP_S, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout


def empty_debian(root: Path, release: str) -> None:
    """An empty Debian with the Python of the images, from where this machine has its own packages; about a minute."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=True
    )
    mirror = listed.stdout.split()[0]
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, str(root), mirror]
    done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_S, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    for path in FILES_PASSED_ON:
        if Path(path).exists():
            shutil.copyfile(path, root / path.lstrip("/"))


def context_of(repository: Path, ignore: Path, folder: Path) -> Path:
    """What of a repository an ignore file lets into the image, copied to `folder`: it names first what comes in (`!…`),
    then what of that stays out.
    """
    patterns = [line for line in ignore.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    left_out = [line for line in patterns if not line.startswith("!") and line != "*"]
    for let_in in (line[1:] for line in patterns if line.startswith("!")):
        (folder / let_in).parent.mkdir(parents=True, exist_ok=True)
        command = ["cp", "--archive", str(repository / let_in), str(folder / let_in)]
        subprocess.run(command, check=True)
    for pattern in left_out:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    return folder


def built(dockerfile: Path, context: Path, debian: Path, rust: dict[str, Path], folder: Path) -> Stage:
    """The last stage of a Dockerfile, each of its steps run. `rust`: what an image named `rust:` has, by the path
    inside. Raises `ValueError` for an instruction that is not known here.
    """
    stages: dict[str, Stage] = {}
    stage = Stage(folder)
    for instruction, rest in instructions(dockerfile.read_text("utf-8")):
        words = shlex.split(rest)
        if instruction == "FROM":
            stage = Stage(folder / str(len(stages)))
            stages[words[2] if words[1:2] == ["AS"] else str(len(stages))] = stage
            if words[0].startswith("rust:"):
                stage.lent = rust
            else:
                subprocess.run(["cp", "--archive", str(debian), str(stage.root)], check=True)
        elif instruction == "COPY":
            _copy(stage, stages, context, words)
        elif instruction == "RUN":
            stage.run(["/bin/sh", "-c", rest])
        else:
            _set(stage, instruction, words)
    return stage


def _set(stage: Stage, instruction: str, words: list[str]) -> None:
    match instruction:
        case "ENV":
            stage.environment |= dict(word.split("=", 1) for word in words)
        case "WORKDIR":
            stage.folder = words[0]
            (stage.root / words[0].lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "USER":
            stage.user = words[0]
        case "ENTRYPOINT":
            stage.entrypoint = [word.strip("[],") for word in words]
        case "VOLUME" | "EXPOSE" | "CMD":
            pass
        case _:
            raise ValueError(f"{instruction}: not an instruction that is run here")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile with what stands behind it, on one line."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line:
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


def _copy(stage: Stage, stages: dict[str, Stage], context: Path, words: list[str]) -> None:
    options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
    *sources, target = [word for word in words if not word.startswith("--")]
    origin = stages[options["from"]] if "from" in options else None
    if origin is not None and sources[0] in origin.lent:
        stage.lent = {**stage.lent, target: origin.lent[sources[0]]}
        return
    into = stage.root / os.path.join(stage.folder, target).lstrip("/")  # noqa: PTH118  # an absolute target stays one
    for source in sources:
        path = (context if origin is None else origin.root) / source.lstrip("/")
        into.parent.mkdir(parents=True, exist_ok=True)
        if target.endswith("/"):
            into.mkdir(exist_ok=True)
        as_it_is = ["--no-target-directory"] if path.is_dir() else []  # a folder's content, and not the folder
        subprocess.run(["cp", "--archive", *as_it_is, str(path), str(into)], check=True)
        if owner := options.get("chown"):
            subprocess.run(["chown", "--recursive", owner, str(into)], check=True)
