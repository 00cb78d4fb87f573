"""Runs the tests, each framework's in a process of its own, and closes with what was dearest and one line that counts them all.

    python ci/run_tests.py                 everything
    python ci/run_tests.py torch jax       the tests that need those layers
    python ci/run_tests.py engine          the tests that need no framework in their own process
    python ci/run_tests.py --mutants       the mutants alone: plausible mistakes that must be rejected, most of the time
    python ci/run_tests.py --mutants --part   about as many of them as four papers have, drawn by the commit's name
    python ci/run_tests.py --no-mutants    all but the mutants, as `make test`

JAX and PyTorch in one process can abort on their two OpenMP runtimes, so no process imports both.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dearest

from s30.corpus import repository
from s30.corpus.registry import Corpus, load_corpus
from s30.evidence.environment import cores

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("numpy", "sympy", "tinygrad", "torch", "jax", "agda")
# Slowest first, so that no core idles at the end.
GROUPS = ("engine", "torch", "jax", "tinygrad", "agda", "sympy", "numpy")
PAPERS = 4  # whose mutants are measured in ten minutes
NO_TESTS = 5  # pytest's exit code when a group is empty


def run_group(group: str, arguments: list[str], mutants: bool | None) -> tuple[str, int, Counter[str], str]:
    """What pytest printed, its exit code, how many tests passed, failed and were skipped, and the CPU seconds of each.

    `mutants` is True for them alone, False for all others, None for all.
    """
    marker = f"not ({' or '.join(LAYERS)})" if group == "engine" else group
    marker += {True: " and mutants", False: " and not mutants", None: ""}[mutants]
    with tempfile.TemporaryDirectory() as folder:
        report, times = Path(folder) / "report.xml", Path(folder) / "times"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            marker,
            f"--junitxml={report}",
            "-p",
            "ci.cpu_times",
            *arguments,
        ]
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "TEST_TIMES": str(times)},
        )
        counts: Counter[str] = Counter()
        if report.is_file():
            for suite in ElementTree.parse(report).getroot().iter("testsuite"):
                total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
                failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                counts += Counter(passed=total - failed - skipped, failed=failed, skipped=skipped)
        spent = times.read_text(encoding="utf-8") if times.is_file() else ""
    return done.stdout, done.returncode, counts, spent


def part_of(corpus: Corpus, commit: str) -> str:
    """`K/N`: each part has what about PAPERS papers have, so that the time does not grow with their number."""
    parts = math.ceil(sum(paper.built for paper in corpus.papers) / PAPERS) or 1
    return f"{int(commit[:8], 16) % parts + 1}/{parts}"


def main(arguments: list[str]) -> int:
    """Exit code 1 when a test failed, a group could not run, or nothing ran at all."""
    groups = [a for a in arguments if a in GROUPS] or list(GROUPS)
    mutants = {"--mutants": True, "--no-mutants": False}
    only = next((mutants[a] for a in arguments if a in mutants), None)
    rest = [a for a in arguments if a not in GROUPS and a not in mutants and a != "--part"]
    if "--part" in arguments:
        os.environ["MUTANTS_PART"] = part = part_of(load_corpus(ROOT), repository.head(ROOT))
        print(f"part {part} of the mutants, by the commit; `make mutants` measures all", flush=True)
    total: Counter[str] = Counter()
    broken, spent, started = [], "", time.monotonic()
    with ThreadPoolExecutor(max_workers=cores()) as pool:
        for group, (output, code, counts, times) in zip(
            groups, pool.map(lambda g: run_group(g, rest, only), groups), strict=True
        ):
            print(f"--- {group}\n{output.rstrip()}", flush=True)
            total += counts
            spent += times
            if code not in (0, NO_TESTS):
                broken.append(group)
    print("\n".join(dearest.closing(spent, (sum(os.times()[:4]), time.monotonic() - started))))
    if broken:
        print(f"failed: {', '.join(broken)}")
    print(f"{total['passed']} passed, {max(total['failed'], len(broken) and 1)} failed, {total['skipped']} skipped")
    return 1 if broken or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
