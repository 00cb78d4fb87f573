"""YAML files read safely, checked against a JSON Schema, with errors that name the file and the line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from s30.errors import UsageError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast, and as safe
SCHEMAS = Path(__file__).parent / "schemas"


@cache
def validator(schema: str) -> Draft202012Validator:
    """The validator of `schemas/SCHEMA.schema.json`."""
    return Draft202012Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))


def text_of(path: Path) -> str:
    """What a text file says. Raises UsageError, naming it, when it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: cannot be read: it is not UTF-8; save it as such") from None


def load(path: Path, schema: str) -> Any:
    """The document in `path`. Raises UsageError with `path:line: reason` when it is missing, malformed or off-schema."""
    text = text_of(path)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is not None:
            _reject(root)
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise UsageError(f"{path}:{line}: the character #x{error.character:04x} is not allowed in YAML") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from None
    worst = best_match(validator(schema).iter_errors(data))
    if worst is not None:
        where = "/".join(str(step) for step in worst.absolute_path)
        message = worst.message if len(worst.message) < 300 else worst.message[:297] + "..."
        raise UsageError(f"{path}:{line_of(root, worst.absolute_path)}: {where + ': ' if where else ''}{message}")
    return data


def line_of(node: yaml.Node | None, steps: Iterable[str | int]) -> int:
    """The line (from 1) on which the entry reached by `steps` begins."""
    line = 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def dump(data: Any) -> str:
    """YAML text that is stable from run to run: keys in the order given, block style, no aliases."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def error_at(path: Path, steps: Iterable[str | int], message: str) -> UsageError:
    """The error `path:line: message` about the entry reached by `steps`."""
    line = line_of(_Loader(path.read_text(encoding="utf-8")).get_single_node(), steps)
    return UsageError(f"{path}:{line}: {message}")


def refuse_repetition(path: Path, entries: Sequence[Mapping[str, Any]], key: str, within: Sequence[str]) -> None:
    """Raises UsageError, naming the line, when two entries of the list at `within` have the same value of `key`."""
    seen: set[Any] = set()
    for number, entry in enumerate(entries):
        if entry[key] in seen:
            raise error_at(path, (*within, number), f"{'/'.join(within)}: the {key} {entry[key]!r} stands twice")
        seen.add(entry[key])


def _reject(node: yaml.Node, within: tuple[yaml.Node, ...] = ()) -> None:
    """Raises for what YAML allows and no file here means: keys that stand twice, circles, infinities."""
    if node in within:
        raise yaml.MarkedYAMLError(problem="an alias refers to what contains it", problem_mark=node.start_mark)
    children: Sequence[yaml.Node] = ()
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        children = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    elif node.tag == "tag:yaml.org,2002:float" and node.value.lower().lstrip("+-") in (".inf", ".nan"):
        raise yaml.MarkedYAMLError(problem=f"{node.value} is not a finite number", problem_mark=node.start_mark)
    for child in children:
        _reject(child, (*within, node))
