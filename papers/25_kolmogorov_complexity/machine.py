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

The plain reading of the same table knows where the tape ends. It stops there, or at `10`, which then appends all bits that
are left. C(x), the length of the shortest tape so read, is at most n + 2.
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


def read(tape: str, plain: bool = False) -> tuple[str, str] | None:
    """The machine itself: (the bits that it reads, its output), None where it does not halt on this tape."""
    at, y = 0, ""
    while True:
        if plain and at == len(tape):
            return tape, y
        code = tape[at : at + 2]
        at += 2
        if code == "10":
            return (tape, y + tape[at:]) if plain else (tape[:at], y)
        if code == "11":
            ones = 2
            while ones < 4 and tape[at : at + 1] == "1":
                ones += 1
                at += 1
            if ones < 4:  # the zero that ends INVERT or MIRROR
                if tape[at : at + 1] != "0" or not y:
                    return None
                at += 1
                y += "".join("10"[bit == "1"] for bit in y) if ones == 2 else y[::-1]
                continue
        # a number follows
        first = tape.find("1", at)
        end = 2 * first - at + 1
        if first < 0 or end > len(tape) or (code != "00" and not y):
            return None
        number, at = int(tape[first:end], 2), end
        if code == "00":
            if at + number > len(tape):
                return None
            y += tape[at : at + number]
            at += number
        else:
            y += y * number if code == "01" else y[-1] * number


def programs(max_bits: int) -> Iterator[tuple[str, str]]:
    """Every program whose output has at most `max_bits` bits, with that output: all of them, each once."""
    stack = [("", "")]
    while stack:
        program, y = stack.pop()
        yield program + HALT, y
        stack.extend((program + code, y + tail) for code, tail in instructions(y, max_bits - len(y)))


def enumerate_complexity(found: list[tuple[str, str]]) -> tuple[dict[str, int], dict[str, Fraction]]:
    """K and m, exactly, of the outputs of all programs `found`."""
    longest = max(len(program) for program, _ in found)
    complexity: dict[str, int] = {}
    mass: dict[str, int] = {}  # in units of 2^(-longest)
    for program, y in found:
        complexity[y] = min(complexity.get(y, longest), len(program))
        mass[y] = mass.get(y, 0) + (1 << (longest - len(program)))
    return complexity, {y: Fraction(units, 1 << longest) for y, units in mass.items()}


def plain_complexity(max_length: int) -> dict[str, int]:
    """C of every string that a tape of at most `max_length` bits describes in the plain reading, each tape being run."""
    complexity: dict[str, int] = {}
    for tape in strings(max_length):  # by length: the first tape of a string is a shortest one
        if described := read(tape, plain=True):
            complexity.setdefault(described[1], len(tape))
    return complexity


def mass_by_length(max_bits: int, unit: Fraction | float = 1.0) -> list[Fraction | float]:
    """Sum of m(x) over the strings of n bits, n = 0 ... max_bits: exact where `unit` is Fraction(1).

    mu_n = sum_l mu_(n-l) 2^(-2-g(l)) + sum_(d | n, d < n) mu_d 2^(-2-g(n/d-1)) + [2 | n] mu_(n/2) 3/16
           + sum_(0 < d < n) mu_d 2^(-4-g(n-d)),   mu_0 = 1, g(l) the length of gamma(l);   times 1/4 for HALT
    The l bits of a block cancel against the 2^l blocks.
    """
    costs = [0, *(len(gamma(l)) for l in range(1, max_bits + 1))]
    mu: list[Fraction | float] = [unit]
    for n in range(1, max_bits + 1):
        total = sum(mu[n - l] / 2 ** (2 + costs[l]) for l in range(1, n + 1))
        for d in range(1, n):
            total += mu[d] / 2 ** (4 + costs[n - d])
            if n % d == 0:
                total += mu[d] / 2 ** (2 + costs[n // d - 1])
        mu.append(total + (mu[n // 2] * 3 / 16 if n % 2 == 0 else 0))
    return [value / 4 for value in mu]


def zeros(max_bits: int) -> tuple[Array, Array]:
    """K and -log2 m of 0^n for n = 0 ... max_bits, by the recursion over the last instruction: all prefixes are zeros."""
    number = np.arange(1, max_bits + 1)
    costs = np.concatenate([[0], 2 * np.floor(np.log2(number)).astype(int) + 1])  # the length of gamma(n)
    shortest, mass = np.zeros(max_bits + 1), np.ones(max_bits + 1)
    for n in range(1, max_bits + 1):
        before, more = np.arange(n), n - np.arange(n)
        ways = [(before, 2 + costs[more] + more), (before[1:], 4 + costs[more[1:]])]  # WRITE, HOLD
        divisors = before[1:][n % before[1:] == 0]
        ways.append((divisors, 2 + costs[n // divisors - 1]))  # REPEAT
        if n % 2 == 0:
            ways.append((np.array([n // 2]), np.array([len(MIRROR)])))  # no INVERT: it writes ones
        source, cost = (np.concatenate(part) for part in zip(*ways, strict=True))
        shortest[n] = (shortest[source] + cost).min()
        mass[n] = (mass[source] * 2.0**-cost).sum()
    return shortest + len(HALT), len(HALT) - np.log2(mass)


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
