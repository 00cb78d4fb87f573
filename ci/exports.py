"""What is kept and signed of a record, and what a run of CI makes of its outcome.

    python ci/exports.py RECORD FOLDER      into the new FOLDER: the record, its exports, and the predicate to be signed
    python ci/exports.py --outcome FOLDER   exit code 1 when that record's outcome is failed

Whoever signs needs neither s30 nor a checkout: it states the subject itself, by the record's bytes, and reads the predicate
from a file of its own, which is that part of the in-toto export.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

RECORD, PREDICATE = "verification.yaml", "test-result.json"
EXPORTS = {"intoto": "verification.intoto.json", "ctrf": "verification.ctrf.json", "junit": "verification.xml"}


def export(record: Path, folder: Path) -> None:
    """Raises S30Error for a record that was edited, UsageError for what is none; then nothing is written."""
    from s30.record import exports

    texts = {file: exports.export(form, record) for form, file in EXPORTS.items()}
    statement = json.loads(texts[EXPORTS["intoto"]])
    folder.mkdir(parents=True)
    shutil.copyfile(record, folder / RECORD)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    (folder / PREDICATE).write_text(json.dumps(statement["predicate"], ensure_ascii=False), encoding="utf-8")


def outcome(folder: Path) -> int:
    """Says the result and how many tests passed, were waived and failed; 1 when it is FAILED."""
    predicate = json.loads((folder / PREDICATE).read_text(encoding="utf-8"))
    counts = ", ".join(f"{len(predicate[f'{name}Tests'])} {name}" for name in ("passed", "warned", "failed"))
    print(f"{RECORD}: {predicate['result']}: {counts}")
    for name in predicate["failedTests"]:
        print(f"failed: {name}")
    return int(predicate["result"] == "FAILED")


def main(arguments: list[str]) -> int:
    """Exit codes as above; 2 for other arguments, or a folder that is there already."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if arguments[0] == "--outcome":
        return outcome(Path(arguments[1]))
    from s30.errors import S30Error

    record, folder = map(Path, arguments)
    if folder.exists():
        print(f"error: {folder} is there already: name a new folder", file=sys.stderr)
        return 2
    try:
        export(record, folder)
    except S30Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
