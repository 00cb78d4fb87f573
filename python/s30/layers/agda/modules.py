"""What a paper's modules declare together: which declaration a word means, what speaks of what, what is assumed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from s30.layers.agda.source import Declaration, Source, Token, telescope_text, text

WORD = re.compile(r"[^\s(){}⦃⦄;]+")
COMMENT = re.compile(r"\{-.*?-\}|--.*?$", re.DOTALL | re.MULTILINE)


class Modules:
    """The sources of one paper's modules, and the words of the library that none of them should be taken for.

    `declarations` are those of the paper by name, and those of shared lemmas that it passes on as its own.
    """

    def __init__(self, sources: Iterable[Source], library: frozenset[str]) -> None:
        self._sources = {source.path: source for source in sources}
        self._library = library
        self.declarations = {
            name: declaration for source in self._sources.values() for name, declaration in source.declarations.items()
        }
        self._home = {declaration: source for source in self._sources.values() for declaration in source.at.values()}

    def adopt(self, name: str, shared: Source) -> None:
        """Lets `name` mean what a shared module declares by its last word."""
        own = name.rpartition(".")[2]
        for declaration in shared.declarations.values():
            if declaration.words[0] == own and not declaration.is_private:
                self.declarations[name] = declaration
                self._home[declaration] = shared

    def meant(self, token: Token) -> Declaration | None:
        """The declaration to which what a token names belongs; None for what is bound, and for what is not the paper's."""
        if token.site is None or token.site[0] not in self._sources:
            return None
        return self._sources[token.site[0]].at.get(token.site[1])

    def spoken_of(self, name: str) -> list[str]:
        """The paper's own definitions that a statement speaks of and that can be run: no types, and nothing of a type."""
        found = (self.meant(token) for token in self.declarations[name].mentions())
        return sorted({one.name for one in found if one and not one.is_type and one.name != name})

    def reached(self, words: Iterable[str], harness: Source) -> set[str]:
        """All declarations that a term of these words, in the scope of a harness, leads to."""
        inside = {word: one for one in harness.declarations.values() for word in one.words}
        around = {word: one for one in self.declarations.values() for word in one.words}
        last = {word.rpartition(".")[2] or word for word in words}
        waiting = [one for word in last if (one := inside.get(word) or around.get(word))]
        within = Modules([*self._sources.values(), harness], self._library)
        found: set[Declaration] = set()
        while waiting:
            declaration = waiting.pop()
            if declaration not in found:
                found.add(declaration)
                tokens = (token for clause in declaration.clauses for token in clause)
                waiting += [one for token in tokens if (one := within.meant(token))]
        return {declaration.name for declaration in found}

    def assumptions(self, name: str) -> list[list[str]]:
        """The parameters of each module around a declaration, the file's own first, as their source has them."""
        say = self._writer(name)
        return [telescope_text(telescope, say) for telescope in self.declarations[name].telescopes]

    def statement(self, name: str, printed: str = "") -> str:
        """What a declaration states, behind all that it assumes: the parameters of the modules around it, and variables.

        It is given as its source has it, or as Agda printed it (`printed`, inside its file) where the source leaves
        types for Agda to find. Levels are left out; a word of the paper's own that the library has too bears its module.
        """
        declaration = self.declarations[name]
        if printed:
            say, words = self._writer(name), {token.text: token for token in [*declaration.mentions()][::-1]}
            told = WORD.sub(lambda word: say(words[word[0]]) if word[0] in words else word[0], printed)
            assumed, stated = self.assumptions(name)[0], re.sub(r"\{[^{}:]* : Level\} ?(→ )?", "", told)
        else:
            assumed = [one for part in self.assumptions(name) for one in part]
            assumed += self._variables(declaration, self._writer(name))
            stated = text(declaration.signature, self._writer(name))
        return f"{' '.join(assumed)} → {stated}" if assumed else stated

    def is_explicit(self, name: str) -> bool:
        """Whether the source of a statement says all that it assumes."""
        declaration = self.declarations[name]
        home = self._home[declaration]
        own = {(home.path, place) for home in (home, *self._sources.values()) for place in home.variables}
        variables = (token for token in declaration.mentions() if "generalizable" in token.kinds)
        return declaration.is_explicit and all(token.site in own for token in variables)

    def _variables(self, declaration: Declaration, say: Callable[[Token], str]) -> list[str]:
        """The variables that a statement leaves free, each after those that its type speaks of, as implicit parameters."""
        found: dict[str, list[str]] = {}  # by the text of a type, the names that have it

        def add(token: Token) -> None:
            if "generalizable" not in token.kinds or token.site is None:
                return
            home = self._home[declaration]
            type_ = (home if token.site[0] == home.path else self._sources[token.site[0]]).variables[token.site[1]]
            said = text(type_, say)
            if said != "Level" and token.text not in found.get(said, ()):
                for inner in type_:
                    add(inner)
                found.setdefault(said, []).append(token.text)

        for token in declaration.mentions():
            add(token)
        return [f"{{{' '.join(names)} : {said}}}" for said, names in found.items()]

    def _writer(self, name: str) -> Callable[[Token], str]:
        """How a token of this declaration's file is written, so that it is taken for what it means."""
        renamed = self._home[self.declarations[name]].renamed

        def say(token: Token) -> str:
            if token.text not in self._library or token.kinds & {"bound", "symbol", "keyword"}:
                return token.text
            return _qualified(self.meant(token), renamed.get(token.text, token.text))

        return say


def _qualified(declaration: Declaration | None, word: str) -> str:
    return f"{declaration.name.rpartition('.')[0]}.{word}" if declaration else word


@cache
def library_words(root: Path) -> frozenset[str]:
    """The names that the shared lemmas and the embedded library define or pass on, and all their signs."""
    found: set[str] = set()
    for path in sorted((root / "agda").rglob("*.agda")):
        if "evaluation" not in path.parts:
            found |= set(_names(COMMENT.sub("", path.read_text(encoding="utf-8"))))
    return frozenset(found)


def _names(text: str) -> Iterator[str]:
    defined: Sequence[str] = re.findall(r"^(?:data |record )?([^\s(){}:]+(?: [^\s(){}:]+)*) :", text, re.MULTILINE)
    passed: Sequence[str] = re.findall(r"(?:using|renaming)\s*\(([^)]*)\)", text)
    words = [word for part in (*defined, *passed) for word in WORD.findall(part)]
    for word in [*words, *(word for word in WORD.findall(text) if not any(c.isalnum() for c in word))]:
        yield word
        yield from filter(None, word.split("_"))
