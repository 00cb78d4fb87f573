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
SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
# What no file of this project comes near, so that a foreign one costs no memory and no stack: libyaml's composer descends
# by recursion, and an alias repeats all that its anchor holds.
LARGEST_FILE, DEEPEST, MOST_VALUES, MOST_ALIASES = 1 << 24, 32, 500_000, 100
LARGEST_NUMBER = 1e300
NUMBERS = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:int")


@cache
def validator(schema: str) -> Draft202012Validator:
    """The validator of `schemas/SCHEMA.schema.json`."""
    return Draft202012Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))


def text_of(path: Path) -> str:
    """What a text file says. Raises UsageError, naming it, when it cannot be read or is not UTF-8."""
    if path.exists() and not path.is_file():  # a pipe would be waited for, for ever
        raise UsageError(f"{path}: cannot be read: it is no plain file")
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
        _bound(path, text)
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
    except (ValueError, AttributeError) as error:  # a date that is none: 2020-13-45, !!timestamp 2020
        raise UsageError(f"{path}: it holds a value that YAML cannot read: {error}") from None
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


def dump(data: Any, width: int = 110) -> str:
    """YAML text that is stable from run to run: keys in the order given, block style, no aliases."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)


class OneLine(dict[str, Any]):
    """A mapping that is written on one line, where it fits."""


class OneLineList(list[Any]):
    """A list that is written on one line, where it fits."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


_Dumper.add_representer(OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, True))
_Dumper.add_representer(
    OneLineList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, True)
)


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


def _bound(path: Path, text: str) -> None:
    """Raises for a document that is too large, too deep, or grows by aliases: it is read as a stream, without recursion."""
    if len(text) > LARGEST_FILE:
        raise UsageError(f"{path}: {len(text):,} characters, more than {LARGEST_FILE:,}: it is no file of this project")
    aliases = 0
    opened: list[str | None] = []  # the anchors of the collections that the stream is in
    for values, event in enumerate(yaml.parse(text, Loader=_Loader)):
        problem = ""
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append(event.anchor)
            problem = f"it is nested more than {DEEPEST} deep" if len(opened) > DEEPEST else ""
        elif isinstance(event, yaml.CollectionEndEvent):
            opened.pop()
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if event.anchor in opened:
                problem = "an alias refers to what contains it"
            elif any(opened_by is not None for opened_by in opened):
                problem = "an alias stands in what another may repeat"
            elif aliases > MOST_ALIASES:
                problem = f"more than {MOST_ALIASES} aliases"
        if values > MOST_VALUES:
            problem = f"more than {MOST_VALUES:,} values"
        if problem:
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


_CONSTRUCTOR: Any = yaml.constructor.SafeConstructor()


def _number(node: yaml.ScalarNode) -> bool:
    """Whether a number is one that every reader of the file can hold. What YAML reads as infinite need not say so: 1.0e+999."""
    if len(node.value) > 400:
        return False
    try:
        value = float(node.value)
    except ValueError:
        try:  # YAML's own ways to write one: 0x1f, 1:30, 1_000
            value = _CONSTRUCTOR.construct_object(node)
        except ValueError:
            return False
    return bool(abs(value) <= LARGEST_NUMBER)  # which a NaN is not


def _reject(node: yaml.Node) -> None:
    """Raises for what YAML allows and no file here means: keys that stand twice, numbers that are none."""
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
    elif isinstance(node, yaml.ScalarNode) and node.tag in NUMBERS and not _number(node):
        shown = node.value if len(node.value) <= 40 else f"{node.value[:37]}..."
        raise yaml.MarkedYAMLError(problem=f"{shown} is not a finite number", problem_mark=node.start_mark)
    for child in children:
        _reject(child)
