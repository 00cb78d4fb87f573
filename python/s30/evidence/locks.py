"""A file that stands for something that one process at a time may use."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from s30.errors import S30Error


@contextlib.contextmanager
def held(
    path: Path, waiting: Callable[[], None] = lambda: None, stopping: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Holds the lock of `path`, a file made for it alone. While another process has it, `waiting` is called once.

    The waiting is in short turns, so that an interrupted process does not wait for the other one's end; it goes on
    without the lock when `stopping` says so. Raises S30Error when the folder takes no such file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise S30Error(f"cannot write {path}: {error.strerror}; free space or choose another folder") from None
    with file:
        told = False
        while not stopping():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    waiting()
                    told = True
                time.sleep(0.1)
            except OSError as error:
                raise S30Error(f"cannot lock {path}: {error.strerror}; choose another folder with S30_CACHE") from None
            else:
                break
        yield
