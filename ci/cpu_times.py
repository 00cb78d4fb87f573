"""A plugin of pytest: CPU seconds of each test, with those of the processes that it started and saw end, a line each into the
file that TEST_TIMES names: `seconds<TAB>name`. A fixture of a module counts with the first test that asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest


def _spent() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Around set-up, test and tear-down."""
    before = _spent()
    done = yield
    with Path(os.environ["TEST_TIMES"]).open("a", encoding="utf-8") as file:
        file.write(f"{_spent() - before:.2f}\t{item.nodeid}\n")
    return done
