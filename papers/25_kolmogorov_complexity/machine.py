r"""A prefix machine small enough to be enumerated to its end (the table of spec.md).

The machine reads a tape of bits and writes an output y, empty at first. It reads instruction after instruction until
HALT; the bits it has read are then a program of y. No program is a prefix of another, since the machine stops by itself.

    bits              instruction    effect                                         defined for
    00 g(l) b1...bl   WRITE          y becomes y b1 ... bl                          every y
    01 g(r)           REPEAT         y becomes y y ... y, r + 1 times               y not empty
    10                HALT           the result is y                                every y
    110               INVERT         y becomes y followed by y with 0 and 1 swapped y not empty
    1110              MIRROR         y becomes y followed by y read backwards       y not empty
    1111 g(r)         HOLD           y becomes y followed by r more of its last bit y not empty

g(n), n >= 1, is Elias' gamma code: as many zeros as n has binary digits after its first, then n in binary. Every
instruction but HALT lengthens y, so that a string of n bits has finitely many programs, of at most n instructions and
a HALT: K(x), the length of the shortest, and m(x), the sum of 2^(-length) over all of them, are exact, with no bound on
time or length left open. The machine is not universal; its K bounds the universal one from above up to a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np

from s30.vocabulary import Array

WRITE, REPEAT, HALT, INVERT, MIRROR, HOLD = "00", "01", "10", "110", "1110", "1111"


def gamma(n: int) -> str:
    """Elias' gamma code of n >= 1: 1, 010, 011, 00100, ..."""
    binary = f"{n:b}"
    return "0" * (len(binary) - 1) + binary


@cache
def instructions(y: str, room: int) -> tuple[tuple[str, str], ...]:
    """Every instruction that may follow when y stands on the output, with what it appends, of at most `room` bits."""
    return tuple(_instructions(y, room))


def _instructions(y: str, room: int) -> Iterator[tuple[str, str]]:
    for length in range(1, room + 1):
        for block in product("01", repeat=length):
            yield WRITE + gamma(length) + "".join(block), "".join(block)
    if y:
        for more in range(1, room // len(y) + 1):
            yield REPEAT + gamma(more), y * more
        if len(y) <= room:
            yield INVERT, y.translate(str.maketrans("01", "10"))
            yield MIRROR, y[::-1]
        for more in range(1, room + 1):
            yield HOLD + gamma(more), y[-1] * more


def programs(max_bits: int) -> Iterator[tuple[str, str]]:
    """Every program whose output has at most `max_bits` bits, with that output: all of them, each once."""
    stack = [("", "")]
    while stack:
        program, y = stack.pop()
        yield program + HALT, y
        stack.extend((program + code, y + tail) for code, tail in instructions(y, max_bits - len(y)))


def enumerate_complexity(max_bits: int) -> tuple[dict[str, int], dict[str, Fraction], int]:
    """K and m of every string of at most `max_bits` bits, exactly, and the number of programs that were run."""
    longest = 5 * max_bits + len(HALT)  # no instruction costs more than five bits per bit that it writes
    complexity: dict[str, int] = {}
    mass: dict[str, int] = {}  # in units of 2^(-longest)
    number = 0
    for program, y in programs(max_bits):
        number += 1
        complexity[y] = min(complexity.get(y, longest), len(program))
        mass[y] = mass.get(y, 0) + (1 << (longest - len(program)))
    return complexity, {y: Fraction(units, 1 << longest) for y, units in mass.items()}, number


def index(y: str) -> int:
    """The place of y in the list of all strings by length, then by value: 0 for the empty string."""
    return 2 ** len(y) - 1 + (int(y, 2) if y else 0)


def strings(max_bits: int) -> list[str]:
    """All strings of at most `max_bits` bits in the order of `index`."""
    return [format(value, f"0{n}b") if n else "" for n in range(max_bits + 1) for value in range(2**n)]


def last_instructions(n: int) -> tuple[Array, Array]:
    """Every way in which an output of n bits can have received its last instruction.

    Returns source (ways, 2^n): the `index` of the output before the instruction, -1 where it cannot have been the last,
    and cost (ways,): the instruction's length in bits. K and m obey a recursion over it, independent of `programs`.
    """
    x = np.arange(2**n)
    bits = x[:, None] >> np.arange(n)[::-1] & 1  # (2^n, n), first bit first
    source, cost = [], []

    def way(before: int, fits: Array, code: str, block: int = 0) -> None:
        source.append(np.where(fits, 2**before - 1 + (x >> (n - before)), -1))
        cost.append(len(code) + block)

    for length in range(1, n + 1):
        way(n - length, np.ones(2**n, dtype=bool), WRITE + gamma(length), block=length)
    for d in range(1, n):
        first = bits[:, :d]
        if n % d == 0:
            way(d, (bits == np.tile(first, n // d)).all(1), REPEAT + gamma(n // d - 1))
        if n == 2 * d:
            way(d, (bits[:, d:] == 1 - first).all(1), INVERT)
            way(d, (bits[:, d:] == first[:, ::-1]).all(1), MIRROR)
        way(d, (bits[:, d:] == first[:, -1:]).all(1), HOLD + gamma(n - d))
    return np.stack(source), np.array(cost)
