"""What this machine has: versions, libLLVM, Agda and its cubical library, and the fingerprint that goes on record."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from s30.corpus import data, documents
from s30.errors import S30Error

THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
# Variables by which a shell can change what the libraries below every framework compute; with «_» at the end, all of them.
ARITHMETIC = (
    *("BLIS_", "GLIBC_TUNABLES", "KMP_", "LD_PRELOAD", "MKL_", "NPY_", "NVPL_", "OMP_", "OPENBLAS_", "S30_PYTHONPATH"),
    "VECLIB_",
)
LLVM_MAJORS = range(16, 22)  # what tinygrad 0.13 can use: it loads 14 and 15 too, but they refuse its opaque pointers
AGDA_SINCE = (2, 7)
AGDA_PAIRS = "2.7.0 (the embedded library, or cubical v0.8) and 2.8.0 (cubical v0.9)"  # what was seen to work
LLVM_FOLDERS = (
    "/usr/lib/*-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/lib/llvm-*/lib",
    "/opt/homebrew/opt/llvm*/lib",
)


def cores() -> int:
    """How many processors this process may use: a batch system or `taskset` may give it fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_seconds() -> float:
    """Seconds of processors that this process has used, with its children: those that ended, and those that live, as Agda's."""
    times = os.times()
    used = times.user + times.system + times.children_user + times.children_system
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            facts = stat.read_text().rpartition(")")[2].split()
            if int(facts[1]) == os.getpid():
                used += sum(map(int, facts[11:15])) / os.sysconf("SC_CLK_TCK")
    return used


def cache_folder(root: Path) -> Path:
    """S30_CACHE, or `.s30/cache` in the repository."""
    return Path(os.environ.get("S30_CACHE") or root / ".s30" / "cache").resolve()


def variables(names: Sequence[str]) -> dict[str, str]:
    """The variables of this process that are called so, or begin so where a name ends with «_»; sorted.

    TORCH_INDEX is none of them: it says where `make setup` looks for PyTorch.
    """
    families = tuple(name for name in names if name.endswith("_"))
    own = {n: v for n, v in os.environ.items() if n in names or n.startswith(families)}
    return {name: value for name, value in sorted(own.items()) if name != "TORCH_INDEX"}


@cache
def version(distribution: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing_module(module: str) -> bool:
    """Whether a top-level module cannot be imported here; nothing is imported to find out."""
    return importlib.util.find_spec(module) is None


@dataclass(frozen=True)
class LLVM:
    """A libLLVM file and its major version (0 when its name does not tell)."""

    path: str
    major: int


@cache
def find_llvm() -> LLVM | None:
    """LLVM_PATH, else the newest libLLVM that tinygrad can load."""
    named = os.environ.get("LLVM_PATH")
    candidates = (
        [Path(named)]
        if named
        else [f for pattern in LLVM_FOLDERS for f in Path("/").glob(f"{pattern[1:]}/libLLVM*.[sd][oy]*")]
    )
    found: dict[int, str] = {}
    for path in sorted(candidates):
        if not path.is_file():
            continue
        major = re.search(r"libLLVM[-.]?(?:so\.|dylib\.)?(\d+)", path.resolve().name) or re.search(r"(\d+)", path.name)
        if major and int(major[1]) in LLVM_MAJORS:
            found.setdefault(int(major[1]), str(path))
        elif named:
            return LLVM(str(path), 0)
    return LLVM(found[max(found)], max(found)) if found else None


@dataclass(frozen=True)
class Provider:
    """The cubical library that Agda is given: our embedded one, or a real one with its name and file."""

    name: str
    library: Path
    embedded: bool


@cache
def find_agda() -> str | None:
    """S30_AGDA, else the `agda` beside this Python, else the one on the PATH."""
    named = os.environ.get("S30_AGDA")
    beside = Path(sys.executable).parent / "agda"
    return named or (str(beside) if beside.is_file() else shutil.which("agda"))


@cache
def agda_version(agda: str) -> str:
    """The version number. Raises S30Error when the program does not answer."""
    try:
        answer = subprocess.run([agda, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise S30Error(f"{agda} --version did not answer: {error}") from None
    found = re.search(r"(\d+(?:\.\d+)+)", answer)
    if found is None:
        raise S30Error(f"{agda} --version printed no version: {answer[:80]!r}")
    return found[1]


def find_provider(root: Path) -> Provider:
    """The real cubical library that is named or registered, else the one that is embedded in the repository."""
    embedded = root / "agda" / "cubical-lite" / "cubical-lite.agda-lib"
    return real_provider() or Provider("cubical-lite (embedded)", embedded, True)


@cache
def library_digest(library: Path) -> str:
    """The digest of a library's modules, by the file that describes it."""
    sha = hashlib.sha256()
    for path in sorted(library.parent.rglob("*.agda")):
        sha.update(f"{path.relative_to(library.parent)}|{hashlib.sha256(path.read_bytes()).hexdigest()}|".encode())
    return sha.hexdigest()


def real_provider() -> Provider | None:
    """S30_CUBICAL (a cubical.agda-lib, or `embedded`), else a `cubical` registered with Agda; None for the embedded one.

    Raises S30Error for a name that leads to no file, and for a list of libraries that cannot be read.
    """
    named = os.environ.get("S30_CUBICAL")
    if named == "embedded":
        return None
    if named:
        path = _expanded(named).resolve()
        if not path.is_file():
            raise S30Error(f"S30_CUBICAL={named}: no such file; name the library's cubical.agda-lib, or `embedded`")
        return Provider(_library_name(path), path, False)
    for path in _registered_libraries():
        if re.fullmatch(r"cubical(-[\d.]+)?", _library_name(path)):
            return Provider(_library_name(path), path, False)
    return None


def _registered_libraries() -> Iterable[Path]:
    folders = [os.environ.get("AGDA_DIR"), "~/.agda", os.environ.get("XDG_CONFIG_HOME", "~/.config") + "/agda"]
    for folder in folders:
        listing = _expanded(folder) / "libraries" if folder else None
        if listing is not None and listing.is_file():
            for line in documents.text_of(listing).splitlines():
                entry = line.split("--")[0].strip()
                path = _expanded(os.path.expandvars(entry))
                if entry and path.is_file():
                    yield path.resolve()


def _expanded(path: str) -> Path:
    """The path with `~` replaced, or as it is where there is no home: HOME unset, and a user without an entry."""
    return Path(os.path.expanduser(path))


def _library_name(path: Path) -> str:
    named = re.search(r"^name:\s*(\S+)", documents.text_of(path), re.MULTILINE)
    return named[1] if named else path.stem


@cache
def cpu_model() -> str:
    """The processor as the system names it, with its model numbers and a digest of what it can do.

    The name alone may be a hypervisor's for many processors, whose last digits differ.
    """
    try:
        return processor(Path("/proc/cpuinfo").read_text())
    except OSError:
        return platform.processor() or platform.machine()


def processor(cpuinfo: str) -> str:
    """The first processor of a Linux /proc/cpuinfo, in one line."""
    facts: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    named = facts.get("model name", platform.machine())
    numbers = ("cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant", "CPU revision")
    told = [f"{name.removeprefix('CPU ').removeprefix('cpu ')} {facts[name]}" for name in numbers if name in facts]
    if able := facts.get("flags", facts.get("Features")):
        told.append(f"flags {hashlib.sha256(' '.join(sorted(able.split())).encode()).hexdigest()[:8]}")
    return f"{named} ({', '.join(told)})" if told else named


def kind() -> str:
    """nix, container, venv or system: where the packages come from."""
    if os.environ.get("S30_ENVIRONMENT"):
        return os.environ["S30_ENVIRONMENT"]
    if sys.prefix.startswith("/nix/store") or "IN_NIX_SHELL" in os.environ:
        return "nix"
    return "venv" if sys.prefix != sys.base_prefix else "system"


def lock_digests(root: Path) -> dict[str, str]:
    """sha256 of each lock file, by its path in the repository."""
    locks = [*sorted((root / "requirements").glob("*.txt")), root / "flake.lock"]
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in locks if p.is_file()}


def fingerprint(root: Path, distributions: Iterable[str], processes: Mapping[str, Any]) -> dict[str, Any]:
    """The environment as the record states it: the same on every run in the same environment.

    `processes` are the facts about the layers' processes. What costs the Agda layer alone is None here.
    """
    llvm, agda, proofs = find_llvm(), None, None
    with contextlib.suppress(S30Error):
        agda = agda_version(program) if (program := find_agda()) else None
    with contextlib.suppress(S30Error):
        proofs = find_provider(root).name
    return {
        "kind": kind(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "threads": 1,
        "packages": {name: version(name) for name in sorted(distributions)},
        "llvm": llvm.major if llvm else None,
        "agda": agda,
        "cubical": proofs,
        **processes,
        "locks": lock_digests(root),
        "data": data.digests(),
    }
