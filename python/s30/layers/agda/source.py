"""What stands in a module: its declarations, and what each of them speaks of, from the tokens as Agda resolved them.

Agda tells of every token what it is and where that was defined, through imports, renamings and modules applied to
arguments. The layout adds to which declaration a token belongs, in which modules that stands, and the comment above it.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Blocks that add nothing to a name.
TRANSPARENT = ("private", "mutual", "abstract", "instance", "opaque", "interleaved")
TYPES = ("data", "record")
DEFINES = {"function", "datatype", "record", "postulate", "primitive"}
BINDS = {"bound", "generalizable", "module"}
OPENING, CLOSING = ("(", "{", "⦃", "{{"), (")", "}", "⦄", "}}")
Telescope = Sequence["Token"]


@dataclass(frozen=True)
class Token:
    """A word of a file at `start`, counted from 0. `site` is where it was defined: a file, and the place in it."""

    text: str
    start: int
    kinds: frozenset[str]
    site: tuple[str, int] | None

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(eq=False)
class Declaration:
    """What a module, or a module inside it, declares.

    name        with the modules in which it stands, unnamed ones left out: `LSTM-Cell.Ordered.mixBetween`
    says        the comment directly above it
    telescopes  the parameters of these modules, unnamed ones included, the file's own first
    signature   the tokens of its type
    clauses     the tokens of each clause; of a data or record type, those of its body
    """

    name: str
    is_data: bool
    is_private: bool
    says: str
    telescopes: Sequence[Telescope]
    signature: Sequence[Token]
    clauses: list[Sequence[Token]] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """Its own name, without modules, and the words of which it is made where it takes arguments between them."""
        own = re.split(r"(?<=[^.])\.(?=[^.])", self.name)[-1]
        return list(dict.fromkeys([own, *filter(None, own.split("_"))]))

    @property
    def is_refl(self) -> bool:
        """Whether nothing but `refl` stands on the right of every clause, below whatever binders."""
        sides = [" ".join(token.text for token in _after(clause, "=")) for clause in self.clauses]
        return bool(sides) and all(re.fullmatch(r"(funExt |\( |λ [^→]*→ )*refl( \))*", side) for side in sides)

    @property
    def is_type(self) -> bool:
        """Whether it is a type or gives one, so that there is nothing to compute."""
        last = self.signature
        while (rest := _after(last, "→")) or any(token.text == "→" for token in _outer(last)):
            last = rest
        return self.is_data or bool(last and re.fullmatch(r"Type\S*", last[0].text))

    @property
    def is_explicit(self) -> bool:
        """Whether its source says of everything that it quantifies over what that is: no `∀ x`, no `_`."""
        tokens = [*self.mentions()]
        for place, token in enumerate(tokens):
            if token.text == "∀":
                bound = _before(tokens[place + 1 :], "→")
                if any(":" not in text for text in telescope_text(bound, lambda one: one.text)):
                    return False
        return not any(token.text == "_" for token in tokens)

    def mentions(self) -> Iterator[Token]:
        """The tokens of its type, and of the parameters around it."""
        for telescope in (*self.telescopes, self.signature):
            yield from telescope


class Source:
    """One file with its declarations by name.

    `at` leads from a place where something is defined to its declaration, `variables` from one where a variable is
    declared to its type, and `renamed` from a word to the one that an import gave up for it.
    """

    def __init__(self, path: str, content: str, highlighting: Iterable[Mapping[str, Any]]) -> None:
        self.path, self.text = path, content
        self.tokens = _tokens(content, highlighting)
        self.declarations: dict[str, Declaration] = {}
        self.at: dict[int, Declaration] = {}
        self.variables: dict[int, Sequence[Token]] = {}
        self.renamed = dict(_renamed([token.text for token in self.tokens]))
        self._lines = [0, *(newline.end() for newline in re.finditer("\n", content))]
        owners: list[Declaration] = []
        for modules, block in self._blocks():
            owners = self._owners(modules, block, owners)

    def _blocks(self) -> Iterator[tuple[list[tuple[int, str, Telescope]], list[Token]]]:
        """Each declaration or clause, with all that is indented below it, and the modules around it."""
        rows: list[list[Token]] = []
        for token in self.tokens:
            if rows and self._line(rows[-1][0]) == self._line(token):
                rows[-1].append(token)
            else:
                rows.append([token])
        modules: list[tuple[int, str, Telescope]] = []
        position = 0
        while position < len(rows):
            column = self._column(rows[position][0])
            while modules and modules[-1][0] >= column:
                modules.pop()
            while rows[position] and rows[position][0].text in TRANSPARENT:
                if rows[position].pop(0).text == "private":
                    modules.append((column, "", []))
            if not rows[position]:
                position += 1
                continue
            after = position + 1
            while after < len(rows) and self._column(rows[after][0]) > column:
                after += 1
            block = [token for row in rows[position:after] for token in row]
            first = block[0]
            words = [token.text for token in block]
            if first.text == "module" and "where" in words and "=" not in words[: words.index("where")]:
                header = block[: words.index("where")]
                # What follows the file's own header is not indented.
                modules.append((column if modules else -1, header[1].text, header[2:]))
                position = next(n for n in range(position, after) if block[len(header)] in rows[n]) + 1
                continue
            if first.text == "variable":
                self._read_variables(block[1:])
            if "keyword" not in first.kinds or first.text in TYPES:
                yield list(modules), block
            position = after

    def _owners(
        self, modules: list[tuple[int, str, Telescope]], block: list[Token], owners: list[Declaration]
    ) -> list[Declaration]:
        """Whom a block belongs to: what it declares, or what it is a clause of."""
        words = [token.text for token in block]
        left = min((words.index(word) for word in ("=", ":", "where") if word in words), default=len(words))
        names = [t for t in block[:left] if t.kinds & DEFINES and t.site and t.site[0] == self.path]
        new = [token for token in names if token.site == (self.path, token.start)]
        if new:
            path = [name for _, name, _ in modules if name not in ("", "_")]
            telescopes = [telescope for _, name, telescope in modules if name]
            is_data, is_private = words[0] in TYPES, "" in [name for _, name, _ in modules]
            signature = _after(block, ":")
            says = self._comment_above(block[0])
            owners = [
                Declaration(".".join([*path, token.text]), is_data, is_private, says, telescopes, signature)
                for token in new
            ]
            self.declarations |= {owner.name: owner for owner in owners}
            self.at |= {token.start: owner for token, owner in zip(new, owners, strict=True)}
        else:
            known = [self.at[place] for token in names if token.site and (place := token.site[1]) in self.at]
            owners = [one for one in known if one in owners][:1] or known[:1] or owners[:1]
        if owners and (not new or _after(block, "=") or owners[0].is_data):
            owners[0].clauses.append(block)
        for token in block:  # what is defined inside: constructors, fields, local functions
            if token.site == (self.path, token.start) and owners and not token.kinds & BINDS:
                self.at.setdefault(token.start, owners[0])
        return owners

    def _read_variables(self, block: list[Token]) -> None:
        starts = [n for n, token in enumerate(block) if token.site == (self.path, token.start)]
        starts = [n for n in starts if "generalizable" in block[n].kinds]
        while starts:
            colon = next(n for n, token in enumerate(block) if n > starts[0] and token.text == ":")
            named = [n for n in starts if n < colon]
            starts = starts[len(named) :]
            type_ = block[colon + 1 : starts[0] if starts else len(block)]
            self.variables |= {block[n].start: type_ for n in named}

    def _comment_above(self, token: Token) -> str:
        """The lines of `-- …` directly above a token's line, in one; a ruler ends them."""
        lines: list[str] = []
        for number in range(self._line(token) - 1, -1, -1):
            line = self.text[self._lines[number] : self._lines[number + 1]].strip()
            if not line.startswith("--") or re.search(r"-{4,}", line):
                break
            lines.append(line.lstrip("-").strip())
        return " ".join(filter(None, reversed(lines)))

    def _line(self, token: Token) -> int:
        return bisect(self._lines, token.start) - 1

    def _column(self, token: Token) -> int:
        return token.start - self._lines[self._line(token)]


def _tokens(content: str, highlighting: Iterable[Mapping[str, Any]]) -> list[Token]:
    """The tokens of a file in their order, comments and pragmas left out."""
    found = {}
    for entry in highlighting:
        start, end = (place - 1 for place in entry["range"])
        kinds, site = frozenset(entry["atoms"]), entry["definitionSite"]
        if not kinds & {"comment", "pragma"} and start not in found:
            at = (site["filepath"], site["position"] - 1) if site else None
            found[start] = Token(content[start:end], start, kinds, at)
    return [found[start] for start in sorted(found)]


def _renamed(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What `renaming (_≡_ to _≠_)` makes of words: ≠ stands for ≡, and _≠_ for _≡_."""
    for place, word in enumerate(words):
        if word == "to" and "renaming" in words[:place]:
            old, new = words[place - 1], next(w for w in words[place + 1 :] if not re.fullmatch(r"infix[lr]?|\d+", w))
            yield new, old
            parts = [list(filter(None, name.split("_"))) for name in (new, old)]
            yield from zip(*parts, strict=False) if "_" in new else ()


def _outer(tokens: Sequence[Token]) -> Iterator[Token]:
    """Those that stand in no parentheses."""
    depth = 0
    for token in tokens:
        depth -= token.text in CLOSING
        if not depth:
            yield token
        depth += token.text in OPENING


def _before(tokens: Sequence[Token], word: str) -> Sequence[Token]:
    """What stands before the first `word` that is in no parentheses."""
    rest = next((token.start for token in _outer(tokens) if token.text == word), None)
    return [token for token in tokens if rest is None or token.start < rest]


def _after(tokens: Sequence[Token], word: str) -> Sequence[Token]:
    """What follows the first `word` that stands in no parentheses; nothing when there is none."""
    found = next((token for token in _outer(tokens) if token.text == word), None)
    return [] if found is None else [token for token in tokens if token.start > found.start]


def telescope_text(telescope: Telescope, say: Callable[[Token], str]) -> list[str]:
    """The parameters of a module as its source has them, each by itself, levels left out; `say` writes a token."""
    parameters: list[list[Token]] = [[]]
    depth = 0
    for token in telescope:
        parameters[-1].append(token)
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if not depth:
            parameters.append([])
    texts = [text(one, say) for one in parameters if one]
    return [one for one in texts if not re.search(r": Level[})]$", one)]


def text(tokens: Sequence[Token], say: Callable[[Token], str]) -> str:
    """Tokens as their source has them, in one line and without comments."""
    pairs = zip((None, *tokens), tokens, strict=False)
    return "".join((" " if before and before.end < token.start else "") + say(token) for before, token in pairs)
