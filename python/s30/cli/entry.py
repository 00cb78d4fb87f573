"""Where the command line begins and ends: one clear line for every fault, and the exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer

from s30.cli import measuring, records, rooms, sessions, trying  # noqa: F401 - each adds its commands
from s30.cli.app import app
from s30.errors import S30Error, one_line, place
from s30.layers import catalogue
from s30.view.display import errors

INTERRUPTED = 130  # exit code, also of Typer, after Ctrl-C
# Typer's own copy of Click, or the Click that it is built on: what a malformed command line raises.
ClickException: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 0 all passed, 1 something failed, 2 usage, 130 interrupted."""
    if arguments is None:  # the whole process is ours: a request to end it ends the workers too
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        for stream in (sys.stdout, sys.stderr):  # a terminal of few characters is told the others by their numbers
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    try:
        result = app(args=list(arguments) if arguments is not None else None, standalone_mode=False, prog_name="s30")
        if result == INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except S30Error as error:
        errors.print(f"error: {error}", markup=False)
        return error.exit_code
    except ClickException as error:
        if type(error).__name__ != "NoArgsIsHelpError":  # whose help is printed already
            errors.print(f"error: {' '.join(error.format_message().split())}", markup=False)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        errors.print("interrupted: what was finished is kept, and a rerun goes on from there")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader of our output has left
        return 1
    except (
        OSError,
        UnicodeError,
    ) as error:  # a file that nobody expected to be so; whoever reads or writes one says more
        errors.print(f"error: {_file_fault(error)}", markup=False)
        return 1


def _file_fault(error: OSError | UnicodeError) -> str:
    """The file and the reason in one line, or where in the engine it happened when the error names no file."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror or error}"
    return place(error, catalogue.ENGINE, catalogue.ENGINE.parent) + one_line(error)
