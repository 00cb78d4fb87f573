"""Times sweeps in a scratch copy of the repository.

    python ci/bench.py                the first three of these
    python ci/bench.py --cost         CPU seconds of a cold sweep by room and layer, what is over budget, projected to 30 rooms
    python ci/bench.py --edits        cold, warm, and after an edit of one file per layer
    python ci/bench.py --scaling      how a cold sweep without claims grows with papers (1, 2, 4) and workers (1, 2)
    python ci/bench.py --thirty       a scratch corpus of 30, the rooms under other numbers: cold and warm, the largest process, the
                                      plan for 1, 2 and 8 workers, the merge of its evidence, and the record's size and reading
    python ci/bench.py --dask         the same sweep by local processes and by Dask (1 and 2 workers)
    python ci/bench.py --claims       the experiments alone, quick and full, each paper's from nothing
    python ci/bench.py --agda         the proofs alone: from nothing, with Agda's interfaces of the sources kept, and from
                                      the cache; with the embedded provider and with the library that S30_CUBICAL names

Each takes minutes, the full profile of --claims a minute or two a paper; --papers and --layer narrow them. `make bench
ARGS="--agda --papers 26"` does the same. A library that S30_CUBICAL names keeps interfaces of its own: where it has none yet,
its first time is that of checking the library. Seconds are wall-clock on this machine, so compare the ratios,
which come from one run. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from s30.corpus.registry import load_corpus
from s30.evidence.environment import cores
from s30.record import telemetry
from s30.sweep.durations import Durations
from s30.sweep.plan import plan, slots_for

ROOT = Path(__file__).resolve().parent.parent
PAPERS, WORKERS = (1, 2, 4), (1, 2)  # of --scaling
LAYERS = ("numpy", "sympy", "tinygrad", "torch", "jax", "agda")
BUDGET = {"all": 40.0, "experiments": 16.0, "agda": 1.5, "eval": 3.0}  # CPU seconds a room
EDITS = {
    "NumPy": "numpy_checks.py",
    "SymPy": "sympy/derivations.py",
    "tinygrad": "tinygrad/model.py",
    "PyTorch": "torch/model.py",
    "JAX": "jax/model.py",
    "Cubical Agda": "cubical-agda",
}


def timed(root: Path, arguments: list[str], command: str = "verify", **variables: str) -> tuple[float, Any]:
    """Seconds and verdicts of one `s30 verify`, or another command, in the copy. Raises SystemExit when it could not run."""
    own = {"S30_ROOT": str(root), "PYTHONPATH": str(root / "python"), "S30_CACHE": str(root / ".s30" / "cache")}
    environment = os.environ | own | variables
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "s30.cli", command, "--json", *arguments],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - started
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(f"bench: s30 {command} ended with {done.returncode}: {done.stderr.strip()}")
    return seconds, without_times(json.loads(done.stdout))


def cold(root: Path, arguments: list[str], command: str = "verify", **variables: str) -> tuple[float, Any]:
    """As `timed`, with nothing cached: neither evidence nor Agda's interfaces."""
    shutil.rmtree(root / ".s30", ignore_errors=True)
    return timed(root, arguments, command, **variables)


def without_times(value: Any) -> Any:
    """The verdicts without what differs from run to run."""
    if isinstance(value, dict):
        return {name: without_times(inner) for name, inner in value.items() if name != "seconds"}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def edit(room: Path, name: str) -> None:
    """Adds a comment to the file, so that its digest changes and nothing else does."""
    path = room / name
    target = min(path.glob("*.agda")) if path.is_dir() else path
    mark = "--" if target.suffix == ".agda" else "#"
    target.write_text(target.read_text(encoding="utf-8") + f"\n{mark} edited {time.time_ns()}\n", encoding="utf-8")


def copy(root: Path) -> None:
    """The tracked files as they are now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)


def cost(root: Path, rooms: list[Path], arguments: list[str]) -> None:
    """CPU seconds by room and layer, as the workers measured their own; what a job imports counts with its first paper."""
    seconds, _ = cold(root, [*(room.name[:2] for room in rooms), *arguments])
    spent: dict[str, dict[str, float]] = {}
    for path in (root / ".s30" / "cache").glob("*.json"):
        entry = json.loads(path.read_text(encoding="utf-8"))
        column = entry["layer"] + (" exp" if "profile" in entry["facts"] else "")
        spent.setdefault(entry["paper"], {})[column] = entry["run"]["cpu_seconds"]
        if entry["layer"] == "agda":
            evaluations = sum(entry["run"].get("evaluations", {}).values())
            spent[entry["paper"]] |= {"eval": evaluations, "agda": entry["run"]["cpu_seconds"] - evaluations}
    columns = [
        name for layer in LAYERS for name in (layer, f"{layer} exp") if any(name in row for row in spent.values())
    ]
    columns += ["eval"]
    print(f"{'CPU seconds':<12}" + "".join(f"{name:>13}" for name in (*columns, "all")) + "  over budget")
    total = dict.fromkeys((*columns, "all"), 0.0)
    for paper, row in sorted(spent.items()):
        row["all"] = sum(row.values())
        training = sum(value for name, value in row.items() if name.endswith(" exp"))
        over = {"all": row["all"], "experiments": training, "agda": row.get("agda", 0.0), "eval": row.get("eval", 0.0)}
        told = ", ".join(
            f"{name} {value:.1f} > {BUDGET[name]:g}" for name, value in over.items() if value > BUDGET[name]
        )
        print(
            f"{f'paper {paper}':<12}" + "".join(f"{row.get(name, 0.0):>13.1f}" for name in total) + f"  {told}".rstrip()
        )
        total = {name: value + row.get(name, 0.0) for name, value in total.items()}
    print(f"{'all':<12}" + "".join(f"{value:>13.1f}" for value in total.values()))
    share = 30 / len(spent)
    print(f"{'30 rooms':<12}" + "".join(f"{share * value:>13.1f}" for value in total.values()))
    print(
        f"the sweep took {seconds:.1f} s on {cores()} cores; 30 such rooms would take {share * seconds / 60:.1f} min",
        flush=True,
    )


def inhabit(root: Path, rooms: list[Path]) -> None:
    """Gives every paper of the registry a room: a copy of one of these, with Agda modules of its own."""
    modules = re.compile(
        r"(?<![\w.-])(" + "|".join(re.escape(m.stem) for r in rooms for m in agda_files(r)) + r")(?![\w-])"
    )
    papers = yaml.safe_load((root / "papers.yaml").read_text(encoding="utf-8"))["papers"]
    for number, paper in enumerate(papers):
        room = root / "papers" / f"{paper['id']}_{paper['slug']}"
        if paper.pop("draft", False):
            shutil.rmtree(room)
        if not room.exists():
            shutil.copytree(rooms[number % len(rooms)], room)
            for path in [*agda_files(room), *room.glob("cubical-agda/*.py"), room / "paper.yaml"]:
                text = path.read_text(encoding="utf-8")
                path.write_text(modules.sub(rf"\1-{paper['id']}", text), encoding="utf-8")
            for path in agda_files(room):
                path.rename(path.with_stem(f"{path.stem}-{paper['id']}"))
    (root / "papers.yaml").write_text(yaml.safe_dump({"papers": papers}, allow_unicode=True), encoding="utf-8")


def agda_files(room: Path) -> list[Path]:
    """The room's Agda files."""
    return sorted((room / "cubical-agda").rglob("*.agda"))


def thirty(root: Path, rooms: list[Path], arguments: list[str]) -> None:
    """What grows with the number of rooms. The record is written where nothing is left out."""
    inhabit(root, rooms)
    record, whole = root / "thirty.yaml", not arguments
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    own = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.autocrlf=false"]
    for command in (["add", "-A"], [*own, "commit", "-qm", "thirty rooms"]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    writing = ["--record", str(record), "--cached"] if whole else []
    seconds, found = cold(root, [*arguments, *writing])
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"cold sweep of {len(found['papers'])} rooms {seconds:>14.1f} s: {found['outcome']}", flush=True)
    print(f"largest process {largest:>20.0f} MiB", flush=True)
    print(f"warm sweep {timed(root, arguments)[0]:>25.1f} s", flush=True)
    durations = Durations(root / ".s30" / "cache", "quick")
    names = [name for name in LAYERS if name in arguments] or LAYERS
    slots = slots_for(load_corpus(root).papers, names, "--no-claims" not in arguments)
    for workers in (1, 2, 8):
        jobs = plan(slots, workers, durations)
        lasts = [sum(durations.of(*job.slot(paper)) for paper in job.papers) for job in jobs]
        free = [0.0] * workers  # when each is free again
        for seconds in lasts:
            free[free.index(min(free))] += seconds
        share = max(free) * workers / sum(lasts)
        print(
            f"plan for {workers} workers: {len(jobs)} jobs, longest chain {max(free):.0f} CPU s, {share:.2f} of a fair share"
        )
    for layer in names:
        evidence = ["--layer", layer, "--evidence", str(root / "evidence" / layer)]
        timed(root, [*evidence, *(["--no-claims"] if "--no-claims" in arguments else [])])
    print(f"merge {timed(root, [str(root / 'evidence')], 'merge')[0]:>30.1f} s", flush=True)
    if whole:
        size = record.stat().st_size / 1000
        began = time.monotonic()
        telemetry.read(record)
        read = time.monotonic() - began
        print(
            f"record {size:>29.0f} KB, {size / len(found['papers']):.1f} KB a paper, read in {read:.2f} s", flush=True
        )


def edits(root: Path, rooms: list[Path], arguments: list[str]) -> None:
    """Cold, warm, and after an edit of one file per layer."""
    arguments = [*(room.name[:2] for room in rooms), *arguments]
    rows = [("cold: nothing cached", timed(root, arguments)[0]), ("warm: nothing changed", timed(root, arguments)[0])]
    for layer, name in EDITS.items():
        edit(rooms[-1], name)
        rows.append((f"one edit: {rooms[-1].name[:2]} {layer}", timed(root, arguments)[0]))
    print(f"{'sweep':<32} {'seconds':>8} {'of cold':>8}")
    for name, seconds in rows:
        print(f"{name:<32} {seconds:>8.1f} {seconds / rows[0][1]:>8.2f}", flush=True)


def scaling(root: Path, rooms: list[Path], arguments: list[str]) -> None:
    """A cold sweep by papers and workers. In brackets, its ratio to that of one paper by one worker."""
    print(f"{'cold sweep':<12}" + "".join(f"{f'{workers} workers':>18}" for workers in WORKERS))
    unit = None
    for number in (n for n in PAPERS if n <= len(rooms)):
        papers = [room.name[:2] for room in rooms[:number]]
        seconds = [cold(root, [*papers, *arguments, "--workers", str(workers)])[0] for workers in WORKERS]
        unit = unit or seconds[0]
        print(f"{f'{number} papers':<12}" + "".join(f"{s:>10.1f} ({s / unit:>5.2f})" for s in seconds), flush=True)


def dask(root: Path, rooms: list[Path], arguments: list[str]) -> None:
    """The same cold sweep by both executors. Dask's seconds include the start and the end of its cluster."""
    arguments = [*(room.name[:2] for room in rooms), *arguments]
    print(f"{'cold sweep':<12} {'local':>8} {'Dask':>8}  verdicts")
    for workers in WORKERS:
        number = ["--workers", str(workers)]
        (local, expected), (seconds, found) = (
            cold(root, [*arguments, *number, "--executor", executor]) for executor in ("local", "dask")
        )
        verdicts = "the same" if found == expected else "DIFFERENT"
        print(f"{f'{workers} workers':<12} {local:>8.1f} {seconds:>8.1f}  {verdicts}", flush=True)


def claims(root: Path, rooms: list[Path], arguments: list[str]) -> None:
    """Each paper's experiments in both profiles, both layers side by side."""
    print(f"{'experiments':<12} {'quick':>8} {'full':>8} {'of quick':>8}")
    total = [0.0, 0.0]
    for room in rooms:
        runs = [
            cold(root, [room.name[:2], "--profile", profile, "--time-limit", "900", *arguments], "train")
            for profile in ("quick", "full")
        ]
        total = [before + seconds for before, (seconds, _) in zip(total, runs, strict=True)]
        failed = ", ".join(sorted({layer for _, found in runs for layer in found["errors"]}))
        _claims_row(f"paper {room.name[:2]}", [seconds for seconds, _ in runs], f"FAILED: {failed}" if failed else "")
    _claims_row("all", total)


def _claims_row(name: str, seconds: list[float], note: str = "") -> None:
    quick, full = seconds
    print(f"{name:<12} {quick:>8.1f} {full:>8.1f} {full / quick:>8.2f}  {note}".rstrip(), flush=True)


def agda(root: Path, rooms: list[Path]) -> None:
    """The proofs by each provider of the cubical library that is at hand."""
    arguments = [*(room.name[:2] for room in rooms), "--no-claims", "--layer", "agda"]
    named = os.environ.get("S30_CUBICAL", "embedded")
    print(f"{'proofs':<24} {'cold':>8} {'interfaces':>10} {'cached':>8}")
    for provider in dict.fromkeys(("embedded", named)):
        runs = [cold(root, arguments, S30_CUBICAL=provider)]
        runs += [timed(root, [*arguments, *more], S30_CUBICAL=provider) for more in (["--fresh"], [])]
        seconds = " ".join(f"{s:>{width}.1f}" for (s, _), width in zip(runs, (8, 10, 8), strict=True))
        name = provider if provider == "embedded" else "/".join(Path(provider).parts[-2:])
        failed = not all(found["passed"] for _, found in runs)
        print(f"{name:<24} {seconds}  {'FAILED' if failed else ''}".rstrip(), flush=True)
    if named == "embedded":
        print("S30_CUBICAL names no other library to compare with")


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", nargs="*", default=[])
    parser.add_argument("--layer", nargs="*", default=[], help="these layers alone; not with --edits and --agda")
    parser.add_argument("--no-claims", action="store_true", help="leave the experiments out of --edits and --thirty")
    parser.add_argument("--cost", action="store_true", help="CPU seconds by room and layer")
    parser.add_argument("--edits", action="store_true", help="cold, warm and one edit per layer")
    parser.add_argument("--scaling", action="store_true", help="by papers and workers")
    parser.add_argument("--thirty", action="store_true", help="a scratch corpus of 30 rooms")
    parser.add_argument("--dask", action="store_true", help="local processes against Dask")
    parser.add_argument("--claims", action="store_true", help="the experiments, quick and full")
    parser.add_argument("--agda", action="store_true", help="the proofs, by provider")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "s30"
        copy(root)
        rooms = [paper.folder for paper in load_corpus(root).papers if paper.built]
        rooms = [r for r in rooms if not options.papers or r.name[:2] in options.papers]
        if not rooms:
            sys.exit(f"bench: none of the papers {', '.join(options.papers)} has a room")
        print(f"{len(rooms)} papers: {', '.join(r.name[:2] for r in rooms)}; {cores()} cores")
        chosen = [word for layer in options.layer for word in ("--layer", layer)]
        few = ["--no-claims", *chosen]
        named = ("cost", "edits", "scaling", "thirty", "dask", "claims", "agda")
        usual = not any(getattr(options, name) for name in named)
        if options.cost or usual:
            cost(root, rooms, chosen)
        if options.edits or usual:
            edits(root, rooms, ["--no-claims"] if options.no_claims else [])
        if options.scaling or usual:
            scaling(root, rooms, few)
        if options.thirty:
            thirty(root, rooms, few if options.no_claims else chosen)
        if options.dask:
            dask(root, rooms, few)
        if options.claims:
            claims(root, rooms, chosen)
        if options.agda:
            agda(root, rooms)


if __name__ == "__main__":
    main()
