"""Checks the flake with a real Nix, and says plainly what was evaluated and what was not.

    python ci/check_nix.py [ROOT] [--no-build]

1. flake.lock is well-formed and locks the revision that flake.nix names.
2. Every .nix file parses.
3. Every output of every system evaluates and instantiates, against a stub of nixpkgs that has the attributes of
   nix/tests/stub/attributes.txt and no others; each of them is asked for; each shell script in a derivation parses.
4. The revision reaches the wrappers and the record, and leaves the layers' evidence alone.
5. The builders of the record and of the evidence run, with a stand-in for s30: what was measured before is at hand and asked
   for, so that nothing is measured twice.
6. Where Nix is recent enough and the pinned nixpkgs can be had, `nix flake check` builds everything.

Exit code 0 when all that could be checked is right, 1 when something is wrong, 77 when there is no Nix to check with.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nix_rehearsal
from run_tests import LAYERS

SKIPPED = 77
OLDEST = (2, 18)  # lib/minver.nix of nixpkgs: it refuses to be evaluated by an older Nix
LINUX = ("x86_64-linux", "aarch64-linux")
SYSTEMS = (*LINUX, "aarch64-darwin")
CHECKS = (*LAYERS, "parity", "tests", "lint")
SHELLS = ("default", *LAYERS)
PACKAGES = ("default", "s30", "python", "agda", "verification")
APPS = ("default", "verify", "reproduce")
STUB = Path("nix/tests/stub")
DERIVATIONS = "builtins.mapAttrs (_: builtins.mapAttrs (_: d: d.drvPath))"
APPLY = {
    "packages": DERIVATIONS,
    "checks": DERIVATIONS,
    "devShells": DERIVATIONS,
    "apps": "builtins.mapAttrs (_: builtins.mapAttrs (_: a: assert a.type == ''app''; a.program))",
    "formatter": "builtins.mapAttrs (_: d: { default = d.drvPath; })",
}


class WrongError(Exception):
    """One line that says what is wrong with the flake."""


def expected() -> set[str]:
    """The outputs that the project promises."""
    names = {"packages": PACKAGES, "checks": CHECKS, "devShells": SHELLS, "apps": APPS, "formatter": ("default",)}
    promised = {f"{kind}.{s}.{name}" for kind, listed in names.items() for s in SYSTEMS for name in listed}
    return promised | {f"packages.{system}.container" for system in LINUX}


def check_lock(root: Path) -> str:
    """The pinned revision. Raises WrongError when flake.lock does not lock what flake.nix names."""
    pin = re.search(r'nixpkgs\.url = "github:NixOS/nixpkgs/([0-9a-f]{40})"', (root / "flake.nix").read_text())
    if pin is None:
        raise WrongError("flake.nix: the input nixpkgs is not pinned to a full revision")
    try:
        lock = json.loads((root / "flake.lock").read_text())
        nodes = lock["nodes"]
        locked, original = nodes["nixpkgs"]["locked"], nodes["nixpkgs"]["original"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongError(f"flake.lock: not a lock of nixpkgs: {type(error).__name__}: {error}") from None
    if lock.get("version") != 7 or lock.get("root") != "root" or set(nodes) != {"root", "nixpkgs"}:
        raise WrongError("flake.lock: needs version 7, the root node `root`, and nixpkgs as the only input")
    if nodes["root"] != {"inputs": {"nixpkgs": "nixpkgs"}}:
        raise WrongError("flake.lock: the root's input nixpkgs is not the node nixpkgs")
    source = {"owner": "NixOS", "repo": "nixpkgs", "rev": pin[1], "type": "github"}
    if original != source:
        raise WrongError(f"flake.lock: its original is {original}, but flake.nix names revision {pin[1]}")
    hashed, moment = locked.pop("narHash", ""), locked.pop("lastModified", None)
    if locked != source:
        raise WrongError(f"flake.lock: it locks {locked.get('rev')}, but flake.nix names revision {pin[1]}")
    if not re.fullmatch(r"sha256-[A-Za-z0-9+/]{43}=", hashed) or not isinstance(moment, int):
        raise WrongError("flake.lock: nixpkgs needs a narHash (sha256-...) and a lastModified")
    return pin[1]


def find_nix() -> str | None:
    """The version of Nix here, installed from Debian when root may do so; None, with one line that says why, without one."""
    if shutil.which("nix") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nix-bin"]
        if subprocess.run(install, capture_output=True).returncode:
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True)
            subprocess.run(install, capture_output=True)
    if shutil.which("nix") is None:
        print("skipped: no `nix` here, and it cannot be installed (Debian, as root: apt-get install nix-bin)")
        return None
    answer = subprocess.run(["nix", "--version"], capture_output=True, text=True, check=True).stdout
    return answer.split()[-1]


class Nix:
    """Nix with a store and caches of its own below `home`, offline, with the stub in place of nixpkgs."""

    def __init__(self, home: Path, source: Path) -> None:
        self.source = source
        self.asked: set[str] = set()
        self.environment = os.environ | {
            "HOME": str(home),
            "NIX_CONFIG": "experimental-features = nix-command flakes",
            **{f"NIX_{name}_DIR": str(home / name.lower()) for name in ("STORE", "STATE", "LOG", "CONF")},
            **{f"XDG_{name}_HOME": str(home / "xdg") for name in ("CACHE", "CONFIG", "DATA", "STATE")},
        }
        self.environment.pop("NIX_PATH", None)
        self.environment.pop("NIX_REMOTE", None)

    def run(self, *arguments: str) -> str:
        """What the command prints. Raises WrongError with Nix's own error."""
        done = subprocess.run(arguments, env=self.environment, capture_output=True, text=True, cwd=self.source)
        self.asked.update(re.findall(r"trace: asked for (\S+)", done.stderr))
        if done.returncode:
            raise WrongError(" ".join(" ".join(_error(done.stderr)).replace(f"{self.source}/", "").split())[:600])
        return done.stdout

    def flake(self, *arguments: str, scheme: str = "git+file") -> str:
        """`nix ARGUMENTS`, where `#` begins an output of our flake."""
        own = f"{scheme}://{self.source}" if scheme != "path" else f"path:{self.source}"
        named = [f"{own}{a}" if a.startswith("#") else a for a in arguments]
        rest = [] if any(a.startswith("#") for a in arguments) else [own]
        return self.run("nix", *named, "--offline", "--no-update-lock-file", *rest)

    def lock_stub(self) -> None:
        """Puts the stub in place of nixpkgs, by a commit: an override on the command line would hide the revision."""
        stub = ["--override-input", "nixpkgs", f"path:{self.source / STUB}"]
        self.run("nix", "flake", "lock", "--offline", *stub, f"git+file://{self.source}")
        commit(self.source)

    def outputs(self) -> dict[str, str]:
        """Each output with its derivation, or an app with its program. Raises WrongError naming the output that fails."""
        found: dict[str, str] = {}
        for kind, apply in APPLY.items():
            try:
                tree = json.loads(self.flake("eval", "--json", f"#{kind}", "--apply", apply))
            except WrongError as whole:
                raise WrongError(f"{self._culprit(kind) or kind}: {whole}") from None
            found |= {f"{kind}.{s}.{name}": value for s, names in tree.items() for name, value in names.items()}
        return found

    def _culprit(self, kind: str) -> str | None:
        part = {"apps": "program"}.get(kind, "drvPath")
        for name in sorted(expected()):
            if name.startswith(f"{kind}."):
                try:
                    self.flake(
                        "eval", "--json", f"#{name.removesuffix('.default') if kind == 'formatter' else name}.{part}"
                    )
                except WrongError:
                    return name
        return None

    def derivations(self, paths: list[str]) -> dict[str, Any]:
        """All derivations behind these."""
        try:
            text = self.run("nix", "derivation", "show", "--offline", "--recursive", *paths)
        except WrongError:  # Nix before 2.15
            text = self.run("nix", "show-derivation", "--offline", "--recursive", *paths)
        shown: dict[str, Any] = json.loads(text)
        found: dict[str, Any] = shown.get("derivations", shown)
        return found

    def variables(self, path: str) -> dict[str, str]:
        """The environment of one derivation."""
        found = next(d for name, d in self.derivations([path]).items() if name.endswith(Path(path).name))
        variables: dict[str, str] = found["env"]
        return variables


def _error(text: str) -> list[str]:
    """From Nix's last `error:` on, without its hint about traces."""
    lines = [line for line in text.splitlines() if not line.startswith(("trace:", "(use", "warning:"))]
    starts = [n for n, line in enumerate(lines) if line.lstrip().startswith("error:")]
    return lines[starts[-1] :] if starts else lines[-3:] or ["no message"]


def copy(root: Path, target: Path) -> None:
    """The files of the checkout, changed ones as they are, as a repository with one commit."""
    listing = ["git", "-C", str(root), "ls-files", "-coz", "--exclude-standard"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (root / name).is_file() and not (root / name).is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    git(target, "init", "-q")
    commit(target)


def git(folder: Path, *arguments: str) -> str:
    """Runs git with an identity of its own."""
    who = ["-c", "user.name=check", "-c", "user.email=check@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path) -> str:
    """Commits everything and returns the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "state")
    return git(folder, "rev-parse", "HEAD")


def listed(source: Path) -> set[str]:
    """The names of attributes.txt. Raises WrongError for one without its source in nixpkgs."""
    names = set()
    for number, line in enumerate((source / STUB / "attributes.txt").read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            fields = line.split()
            if len(fields) != 2 or not re.match(r"(pkgs|lib)/", fields[1]):
                raise WrongError(f"{STUB}/attributes.txt:{number}: needs `attribute  file of nixpkgs that defines it`")
            names.add(fields[0])
    return names


def scripts(derivations: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every shell script in the derivations, with a name for messages."""
    for path, derivation in sorted(derivations.items()):
        for field in ("script", "text", "shellHook", "fakeRootCommands"):
            if derivation["env"].get(field):
                yield f"{re.sub(r'^.*/[a-z0-9]{32}-', '', path)} ({field})", derivation["env"][field]


def check_outputs(nix: Nix) -> None:
    """Steps 3 and 4. Raises WrongError at the first thing that is not right."""
    first = git(nix.source, "rev-parse", "HEAD")
    outputs = nix.outputs()
    if lacking := expected() ^ outputs.keys():
        raise WrongError(f"outputs that are not those promised in ci/check_nix.py: {', '.join(sorted(lacking))}")
    nix.flake("flake", "check", "--no-build")
    nix.flake("flake", "show")
    names = listed(nix.source)
    if nix.asked - names:
        raise WrongError(
            f"attributes of nixpkgs that attributes.txt does not list: {', '.join(sorted(nix.asked - names))}"
        )
    if names - nix.asked:
        raise WrongError(f"attributes.txt lists what nothing asks for: {', '.join(sorted(names - nix.asked))}")
    print(f"evaluated against the stub of nixpkgs: {len(outputs)} outputs of {len(SYSTEMS)} systems")
    print(f"attributes of nixpkgs: {len(names)} asked for, each listed with its source in {STUB}/attributes.txt")

    behind = nix.derivations(sorted(path for path in outputs.values() if path.endswith(".drv")))
    texts = dict(scripts(behind))
    for name, text in texts.items():
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
        if done.returncode:
            raise WrongError(f"the shell script of {name} does not parse: {done.stderr.strip().splitlines()[0]}")
    print(f"shell scripts in {len(behind)} derivations: {len(texts)} parse")

    (nix.source / "README.md").write_text("changed\n")
    second = commit(nix.source)
    after = nix.outputs()
    wrappers = {"s30", "default", "verification", "container"}
    for name in sorted(outputs):
        kind, _, last = name.split(".")
        if kind == "packages" and last in wrappers and outputs[name] == after[name]:
            raise WrongError(f"{name} is the same for two commits: it does not carry the revision")
        same = (kind == "checks" and last in LAYERS) or kind in ("devShells", "formatter") or last in ("python", "agda")
        if same and outputs[name] != after[name]:
            raise WrongError(f"{name} is built anew by a commit that changes README.md alone")
    labelled = {"s30": "{}", "verification": "{}", "container": '"org.opencontainers.image.revision":"{}"'}
    for revision, paths in ((first, outputs), (second, after)):
        for name, form in labelled.items():
            own = nix.variables(paths[f"packages.{LINUX[0]}.{name}"])
            if not any(form.replace("{}", revision) in value for value in own.values()):
                raise WrongError(f"packages.{LINUX[0]}.{name} does not name its revision, as {form}")
    unknown = nix.flake("eval", "--raw", f"#packages.{LINUX[0]}.s30.drvPath", scheme="path")
    if "S30_COMMIT:-unknown" not in nix.variables(unknown)["text"]:
        raise WrongError("a tree without a commit is not called unknown")
    print("revision: in the wrapper, the record and the container; a commit of README.md alone measures nothing anew")


def checkout(root: Path) -> str:
    """The flake of a checkout as Nix reads it in a shallow clone too."""
    return f"git+file://{root}?shallow=1"


def read(flake: str, environment: Mapping[str, str]) -> None:
    """Has Nix read flake and lock, for which it fetches nothing. Raises WrongError when it cannot."""
    command = ["nix", "flake", "metadata", "--no-update-lock-file", flake]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True)
    if done.returncode:
        raise WrongError(f"Nix cannot read this checkout: {' '.join(' '.join(_error(done.stderr)).split())[:300]}")


def build(root: Path, version: str) -> None:
    """Step 6. Raises WrongError when the checkout cannot be read or a check fails to build; says in one line why when none
    can be."""
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
        print(
            f"not built, not checked against the real nixpkgs: it needs Nix {OLDEST[0]}.{OLDEST[1]}, this is {version}"
        )
        return
    environment = os.environ | {"NIX_CONFIG": "experimental-features = nix-command flakes"}
    flake = checkout(root)
    read(flake, environment)
    fetched = subprocess.run(["nix", "flake", "archive", flake], env=environment, capture_output=True, text=True)
    if fetched.returncode:
        why = " ".join(" ".join(_error(fetched.stderr)).split())[:300]
        print(f"not built, not checked against the real nixpkgs, which cannot be had here: {why}")
        return
    print("building every check with the pinned nixpkgs", flush=True)
    if subprocess.run(["nix", "flake", "check", "--print-build-logs", flake], env=environment).returncode:
        raise WrongError("nix flake check failed: see above")
    print(f"built: every check of {platform.machine()}; other systems were evaluated against the stub alone")


def main(arguments: list[str]) -> int:
    """Prints what was checked; the exit code is explained above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--no-build", action="store_true", help="evaluate only, even where the real nixpkgs can be had")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        revision = check_lock(root)
        print(f"flake.lock: locks nixpkgs {revision}, which flake.nix names")
        version = find_nix()
        if version is None:
            return SKIPPED
        with tempfile.TemporaryDirectory(prefix="s30-nix-") as folder:
            home = Path(folder).resolve()
            nix = Nix(home, home / "source")
            copy(root, nix.source)
            files = sorted(nix.source.glob("flake.nix")) + sorted(nix.source.glob("nix/**/*.nix"))
            for file in files:
                nix.run("nix-instantiate", "--parse", str(file))
            print(f"Nix {version}: {len(files)} files parse")
            nix.run("nix", "flake", "metadata", "--offline", "--no-update-lock-file", f"git+file://{nix.source}")
            print("flake.lock: Nix needs no change to it (its narHash is checked only where nixpkgs is fetched)")
            nix.lock_stub()
            check_outputs(nix)
            record = nix.flake("eval", "--raw", f"#packages.{LINUX[0]}.verification.drvPath")
            if fault := nix_rehearsal.fault(nix.derivations([record]), home / "rehearsal"):
                raise WrongError(fault)
            print("measured once: the builders of the record and of all its evidence ran, with a stand-in for s30")
            for path in home.rglob("*"):  # Nix makes its store read-only
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o755)
        if options.no_build:
            print("not built, not checked against the real nixpkgs: --no-build")
        else:
            build(root, version)
    except WrongError as error:
        print(f"nix: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
