"""The sessions that developers and CI run. `nox -s torch jax agda` checks those layers alone, their experiments included;
`nox -s torch -- --evidence evidence/torch` also hands over what it measured, for the session `merge`.

A session makes its own environment with that layer's packages and no other framework, unless nox is told not to
(`--no-venv`), as in the Nix shell and from make, where one environment holds everything.
"""

import os
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none" if "IN_NIX_SHELL" in os.environ else "venv"
nox.options.sessions = ["lint", "tests"]
nox.needs_version = ">=2024.4.15"

LAYERS = ("numpy", "sympy", "tinygrad", "torch", "jax", "agda")


def prepare(session: nox.Session, *tags: str) -> None:
    """Installs the locked packages of these tags and s30 itself into the session's own environment."""
    if isinstance(session.virtualenv, nox.virtualenv.PassthroughEnv):
        return
    subset = session.run("python", "ci/subset.py", *(tag for tag in tags if tag != "numpy"), silent=True)
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "lock.txt"
        lock.write_text(subset)
        session.install("--quiet", "--require-hashes", "-r", str(lock))
    if "torch" in tags:
        index = os.environ.get("TORCH_INDEX")  # as for ci/setup.sh: where PyTorch's CPU build is
        session.install("--quiet", *(("--extra-index-url", index) if index else ()), "-r", "requirements/torch.txt")
    session.install("--quiet", "--no-deps", "--no-build-isolation", "--editable", ".")
    if "tinygrad" in tags:  # which needs libLLVM from the system, as in .venv
        session.run("bash", "ci/setup.sh", "llvm", "python", external=True)


def layer_session(name: str) -> None:
    @nox.session(name=name)
    def suite(session: nox.Session) -> None:
        prepare(session, name)
        session.run("s30", "verify", "--layer", name, *session.posargs)
        session.run("python", "ci/run_tests.py", name)

    suite.__doc__ = f"The {name} layer of every paper, its experiments if it has any, and the tests that need it."


for layer in LAYERS:
    layer_session(layer)


@nox.session
def parity(session: nox.Session) -> None:
    """Every layer of every paper against the others, without experiments."""
    prepare(session, *LAYERS)
    session.run("s30", "run", *session.posargs)


@nox.session
def claims(session: nox.Session) -> None:
    """Everything that is claimed, with the experiments: `nox -s claims -- --profile full` for the long ones."""
    prepare(session, *LAYERS)
    session.run("s30", "verify", *session.posargs)


@nox.session
def matrix(session: nox.Session) -> None:
    """The sessions that CI runs side by side."""
    prepare(session)
    session.run("s30", "matrix", *session.posargs)


@nox.session
def merge(session: nox.Session) -> None:
    """The verdict on evidence that other sessions handed over: `nox -s merge -- evidence`."""
    prepare(session)
    session.run("s30", "merge", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests."""
    prepare(session, *LAYERS, "figures", "dask", "lint")
    session.run("python", "ci/run_tests.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and the direction of imports."""
    prepare(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", env={"PYTHONPATH": "python"})


@nox.session
def workflows(session: nox.Session) -> None:
    """The workflows fit GitHub's schema."""
    prepare(session, "lint")
    files = sorted(str(path) for path in Path(".github/workflows").iterdir())
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)


@nox.session
def telemetry(session: nox.Session) -> None:
    """Whether verification.yaml, or the record that is named, describes these sources."""
    prepare(session)
    session.run("s30", "telemetry", "check", *session.posargs)


@nox.session
def exports(session: nox.Session) -> None:
    """A record, its exports and the predicate to be signed, in one new folder: `nox -s exports -- RECORD FOLDER`."""
    prepare(session)
    session.run("python", "ci/exports.py", *session.posargs)


@nox.session(venv_backend="none")
def outcome(session: nox.Session) -> None:
    """Fails when the outcome of the record in such a folder is failed: `nox -s outcome -- FOLDER`."""
    session.run(sys.executable, "ci/exports.py", "--outcome", *session.posargs)


def check(session: nox.Session, script: str) -> None:
    """Runs a script that ends with 77 where this machine lacks what it needs: the session is then skipped, not passed."""
    words = session.run(sys.executable, script, *session.posargs, success_codes=(0, 77), silent=True) or ""
    session.log(words.strip())
    last = words.strip().splitlines()[-1:]
    if last and last[0].startswith("skipped: "):
        session.skip(last[0].removeprefix("skipped: "))


@nox.session(venv_backend="none")
def nix(session: nox.Session) -> None:
    """The flake: parsed, locked, evaluated offline against a stub of nixpkgs; built where the real one can be had."""
    check(session, "ci/check_nix.py")


@nox.session(venv_backend="none")
def container(session: nox.Session) -> None:
    """The Containerfile's steps in a fresh Debian (root; some minutes)."""
    check(session, "ci/check_container.py")
