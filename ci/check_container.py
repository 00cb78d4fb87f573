"""Runs the steps of the Containerfile without a container engine: in a fresh Debian made by debootstrap, entered by chroot.

    python ci/check_container.py [--root FOLDER]     (root; FOLDER: a Debian to use and keep, made there when it is missing)

The steps are read from the Containerfile, so there is no second list of them; what COPY leaves out is read from
.dockerignore. As with Docker's older builder, WORKDIR makes a folder root's. Afterwards `s30 doctor` must find all six layers
ready, and `s30 telemetry check` must know the commit, though there is no .git. What is not covered: the base image itself
(debootstrap's minimal Debian of today stands in for it, whatever day's the digest names), the engine's own
handling of layers and users, and the last command, `make verify`. pip reads this machine's configuration, which is lent to
the new Debian and is no part of the image. Exit code 0 when every step ran, 1 when one failed, 77 when none can be run here.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IGNORE = ".dockerignore"
SKIPPED = 77
LENT = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/xdg/pip", "/etc/ssl/certs/ca-certificates.crt")
LENT_FOLDERS = ("PIP_FIND_LINKS",)  # variables that name a folder of packages


def steps(text: str) -> list[tuple[str, str]]:
    """(instruction, rest) of each line. Raises SystemExit for what this script cannot run."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            if word not in ("FROM", "ARG", "RUN", "USER", "WORKDIR", "COPY", "ENV", "CMD") or line.endswith("\\"):
                sys.exit(f"Containerfile:{number}: ci/check_container.py cannot run `{line}`")
            found.append((word, rest.strip()))
    return found


BASE = re.compile(r"debian:([a-z]+)-\d{8}-slim@sha256:[0-9a-f]{64}")


def suite(instructions: list[tuple[str, str]]) -> str:
    """The Debian that the first stage begins with. Raises SystemExit for a base that is not pinned by its digest, and for a
    stage that begins with anything but an earlier one."""
    stages: list[str] = []
    found = ""
    for number, rest in enumerate(rest for word, rest in instructions if word == "FROM"):
        image, _, name = rest.partition(" AS ")
        base = BASE.fullmatch(image)
        if number == 0 and base is None:
            sys.exit(
                f"Containerfile: its base is {image}, not debian:SUITE-DATE-slim@sha256:DIGEST: a tag alone may move"
            )
        if number and image not in stages:
            sys.exit(f"Containerfile: the stage FROM {image} begins with none of {', '.join(stages)}")
        found = base[1] if base else found
        stages.append(name)
    if not instructions or instructions[0][0] != "FROM":
        sys.exit("Containerfile: its first step must be FROM")
    return found


def described() -> str:
    """The commit of this checkout as S30_COMMIT states it; empty where git does not tell."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def skipped(why: str) -> int:
    """Says so in one line."""
    print(f"skipped: the Containerfile's steps were not run: {why}")
    return SKIPPED


def bootstrap(suite: str, target: Path) -> str | None:
    """Makes a minimal Debian; or says why it cannot."""
    if shutil.which("debootstrap") is None:
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap"], capture_output=True
        )
    if shutil.which("debootstrap") is None:
        return "no debootstrap, and apt-get cannot install it"
    command = ["debootstrap", "--variant=minbase", suite, str(target)]
    made = subprocess.run(command, capture_output=True, text=True)
    return None if made.returncode == 0 else f"debootstrap failed: {(made.stdout.splitlines() or ['no message'])[-1]}"


@contextmanager
def mounted(source: str, target: Path, *options: str) -> Iterator[None]:
    """A mount that ends with the block."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, source, str(target)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=False)


def lend(new: Path) -> None:
    """Copies what pip and apt need to reach packages from here."""
    for name in LENT:
        source, target = Path(name), new / name[1:]
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def ignored(text: str) -> re.Pattern[str]:
    """What matches the paths that a .dockerignore leaves out, their folders' contents aside. Raises SystemExit for
    what this script cannot read."""
    meaning = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    patterns = ["(?!)"]  # nothing
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            if line.startswith("!") or re.search(r"\*\*(?!/)|\\", line):
                sys.exit(f"{IGNORE}:{number}: ci/check_container.py cannot read `{line}`")
            parts = re.split(r"(\*\*/|\*|\?|\[[^]]+\])", line.strip().strip("/"))
            patterns.append("".join(p if p.startswith("[") else meaning.get(p, re.escape(p)) for p in parts))
    return re.compile("|".join(patterns))


def copy_sources(source: Path, target: Path) -> list[Path]:
    """Copies what COPY brings: the working tree as it is, less what the ignore file names. Returns what it made."""
    left_out, made = ignored((source / IGNORE).read_text(encoding="utf-8")), []
    for folder, folders, files in os.walk(source):
        here = Path(folder).relative_to(source)
        folders[:] = [f for f in folders if not left_out.fullmatch((here / f).as_posix())]
        for name in folders:
            (target / here / name).mkdir(exist_ok=True)
            made.append(target / here / name)
        for name in files:
            if not left_out.fullmatch((here / name).as_posix()):
                shutil.copy2(source / here / name, target / here / name, follow_symlinks=False)
                made.append(target / here / name)
    return made


def identity(new: Path, owner: str) -> tuple[int, int]:
    """The numbers of USER:GROUP in the new Debian. Raises SystemExit for one that is not there."""
    numbers = []
    for name, file in zip(owner.split(":"), ("passwd", "group"), strict=True):
        entries = [line.split(":") for line in (new / "etc" / file).read_text(encoding="utf-8").splitlines()]
        found = [int(entry[2]) for entry in entries if entry[0] == name]
        if not found:
            sys.exit(f"Containerfile: --chown={owner}: no {name} in /etc/{file} by then")
        numbers += found
    return numbers[0], numbers[1]


def run(new: Path, command: str, user: str, folder: str, variables: dict[str, str]) -> int:
    """One command in the new Debian, as that user; its exit code."""
    arguments, environment = entered(new, command, user, folder, variables)
    return subprocess.run(arguments, env=environment).returncode


def run_for_words(new: Path, command: str, user: str, folder: str, variables: dict[str, str]) -> str:
    """The same; what it says."""
    arguments, environment = entered(new, command, user, folder, variables)
    done = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return (done.stdout or "").strip()


def entered(
    new: Path, command: str, user: str, folder: str, variables: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment with which a command is run in the new Debian."""
    home = "/root" if user == "root" else f"/home/{user}"
    lent = {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.lower().endswith("_proxy")}
    environment = (
        lent
        | variables
        | {"HOME": home, "USER": user, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    script = f"cd {shlex.quote(folder)} && {command}"
    return ["chroot", f"--userspec={user}", str(new), "/bin/sh", "-c", script], environment


def packages_reachable(new: Path, user: str) -> bool:
    """Whether pip, without s30, can fetch one small package there: a fault of the machine is not one of the Containerfile."""
    fetch = "python3 -m venv .probe && .probe/bin/pip download --quiet --no-deps --dest .probe typing-extensions"
    return run(new, fetch, user, f"/home/{user}", {}) == 0


def perform(new: Path, instructions: list[tuple[str, str]]) -> int:
    """Every step in order; 1 at the first that fails."""
    user, folder, variables = "root", "/", {"DEBIAN_FRONTEND": "noninteractive"}
    for word, rest in instructions:
        if word in ("FROM", "CMD"):
            continue
        print(f"--- {word} {rest}", flush=True)
        if word in ("ARG", "ENV"):
            name, _, value = rest.partition("=")
            if word == "ENV" and value == f"${name}":  # an ARG that is kept for who runs the image
                value = variables.get(name, "")
            if word == "ARG":
                value = os.environ.get(name) or (described() if name == "S30_COMMIT" else value)
            variables[name] = value
        elif word == "USER":
            user = rest
        elif word == "WORKDIR":
            folder = rest
            (new / folder[1:]).mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            owner = re.fullmatch(r"--chown=(\S+) \. \.", rest)
            if owner is None:
                sys.exit(f"check_container: cannot run COPY {rest}")
            numbers = identity(new, owner[1])
            for path in copy_sources(ROOT, new / folder[1:]):  # and not the folder itself, which a step before made
                os.lchown(path, *numbers)
        else:
            lend(new)  # again before each step: installing certificates replaces the lent ones
            if run(new, rest, user, folder, variables):
                if "make" in rest and not packages_reachable(new, user):
                    return skipped(f"pip cannot fetch packages from inside the new Debian, for RUN {rest}")
                print(f"container: step failed: RUN {rest}", file=sys.stderr)
                return 1
    print("--- s30 doctor", flush=True)
    if user == "root" or run(new, ".venv/bin/s30 doctor", user, folder, variables):
        print(f"container: `s30 doctor` as {user} does not find all six layers ready", file=sys.stderr)
        return 1
    said = run_for_words(new, ".venv/bin/s30 telemetry check", user, folder, variables)
    if (new / folder[1:] / ".git").exists() or said.startswith("error:"):
        print(f"container: the image does not know its commit without .git: {said}", file=sys.stderr)
        return 1
    known = f"s30 doctor finds six layers, s30 telemetry check says «{said.partition(':')[0]}»"
    print(f"every step ran, as {user} from USER on; {known}. Not run: the base image, `make verify`")
    return 0


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="a Debian to use and keep")
    options = parser.parse_args()
    instructions = steps((ROOT / "Containerfile").read_text(encoding="utf-8"))
    debian = suite(instructions)
    if os.geteuid() != 0:
        return skipped("debootstrap and chroot need root")
    with tempfile.TemporaryDirectory(prefix="s30-container-") as scratch, ExitStack() as mounts:
        new = options.root or Path(scratch) / "debian"
        if not (new / "bin" / "sh").exists() and (fault := bootstrap(debian, new)):
            return skipped(fault)
        try:
            mounts.enter_context(mounted("proc", new / "proc", "-t", "proc"))
            for variable in LENT_FOLDERS:
                for folder in os.environ.get(variable, "").split():
                    if Path(folder).is_dir():
                        mounts.enter_context(mounted(folder, new / folder[1:], "--bind", "-o", "ro"))
        except subprocess.CalledProcessError:
            return skipped("mount is not allowed here")
        return perform(new, instructions)


if __name__ == "__main__":
    sys.exit(main())
