"""Times a sweep in a scratch copy of the repository: cold, warm, and after an edit of one file per layer.

    python ci/bench.py [--papers 26 03] [--no-claims]

Seconds are wall-clock on this machine, so compare the ratios, which come from one run. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EDITS = {
    "NumPy": "numpy_checks.py",
    "SymPy": "sympy/derivations.py",
    "tinygrad": "tinygrad/model.py",
    "PyTorch": "torch/model.py",
    "JAX": "jax/model.py",
    "Cubical Agda": "cubical-agda",
}


def timed(root: Path, arguments: list[str]) -> float:
    """Seconds of one `s30 verify` in the copy. Raises SystemExit when it could not run."""
    environment = os.environ | {
        "S30_ROOT": str(root),
        "PYTHONPATH": str(root / "python"),
        "S30_CACHE": str(root / ".s30" / "cache"),
    }
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "s30.cli", "verify", *arguments],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"bench: s30 verify ended with {done.returncode}: {done.stderr.strip()}")
    return time.monotonic() - started


def edit(room: Path, name: str) -> None:
    """Adds a comment to the file, so that its digest changes and nothing else does."""
    path = room / name
    target = min(path.glob("*.agda")) if path.is_dir() else path
    mark = "--" if target.suffix == ".agda" else "#"
    target.write_text(target.read_text(encoding="utf-8") + f"\n{mark} edited {time.time_ns()}\n", encoding="utf-8")


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", nargs="*", default=[])
    parser.add_argument("--no-claims", action="store_true", help="leave the experiments out")
    options = parser.parse_args()
    arguments = [*options.papers, *(["--no-claims"] if options.no_claims else [])]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "s30"
        names = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        rooms = sorted(p.parent for p in (root / "papers").glob("[0-9]*/paper.yaml"))
        rooms = [r for r in rooms if not options.papers or r.name[:2] in options.papers]
        rows = [("cold: nothing cached", timed(root, arguments)), ("warm: nothing changed", timed(root, arguments))]
        for layer, name in EDITS.items():
            edit(rooms[-1], name)
            rows.append((f"one edit: {rooms[-1].name[:2]} {layer}", timed(root, arguments)))
    cold = rows[0][1]
    print(f"{len(rooms)} papers: {', '.join(r.name[:2] for r in rooms)}; {os.cpu_count()} cores")
    print(f"{'sweep':<32} {'seconds':>8} {'of cold':>8}")
    for name, seconds in rows:
        print(f"{name:<32} {seconds:>8.1f} {seconds / cold:>8.2f}")


if __name__ == "__main__":
    main()
