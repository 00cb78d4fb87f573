"""The command line, by groups of commands. It parses, calls the engine and prints; what is true is decided elsewhere."""

from s30.cli.entry import main

__all__ = ["main"]
