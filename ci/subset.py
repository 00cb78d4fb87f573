"""The part of requirements/lock.txt that some tags of lock.in need, hashes included.

    python ci/subset.py jax > jax.txt                 what an environment with JAX alone installs
    python ci/subset.py --only session > nox.txt      the same without what all environments have

Reads the `# via` notes that the lock carries, so that there is one lock and no second list.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"


def roots(tags: set[str], only: bool = False) -> set[str]:
    """Names in lock.in for one of the tags and, unless `only`, for everybody. Raises SystemExit for an unknown tag."""
    lines = [line for line in (REQUIREMENTS / "lock.in").read_text().splitlines() if line and not line.startswith("#")]
    tagged = [(re.match(r"[A-Za-z0-9_.-]+", line)[0].lower(), re.search(r"# tag: (\w+)", line)) for line in lines]
    known = {tag[1] for _, tag in tagged if tag}
    if tags - known:
        sys.exit(
            f"subset: no tag {', '.join(sorted(tags - known))} in requirements/lock.in; the tags are {', '.join(sorted(known))}"
        )
    return {name for name, tag in tagged if (not only if tag is None else tag[1] in tags)}


def blocks() -> dict[str, tuple[str, set[str]]]:
    """Each locked package with its lines and the packages that want it."""
    found: dict[str, tuple[str, set[str]]] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", (REQUIREMENTS / "lock.txt").read_text()):
        named = re.match(r"([A-Za-z0-9_.-]+)==", block)
        if named:
            wanting = {
                line.strip("# ").removeprefix("via ").strip()
                for line in block.splitlines()
                if line.lstrip().startswith("#")
            }
            text, others = found.get(named[1], ("", set()))
            found[named[1]] = (text + block.rstrip() + "\n", others | wanting)
    return found


def subset(tags: set[str], only: bool = False) -> str:
    """The lock's blocks for everything that the tags need, in alphabetical order."""
    locked = blocks()
    needed, wanting = roots(tags, only), {name: via for name, (_, via) in locked.items()}
    while grown := {name for name, via in wanting.items() if via & needed} - needed:
        needed |= grown
    return "".join(locked[name][0] for name in sorted(needed))


if __name__ == "__main__":
    asked = set(sys.argv[1:])
    sys.stdout.write(subset(asked - {"--only"}, "--only" in asked))
