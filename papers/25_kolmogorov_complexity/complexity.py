r"""K, m and C of the machine of machine.py: by running every program or tape, and by recursion over the last instruction.

k(x) = min, mu(x) = sum over the instructions that can have been the last to give x, of k(before) + cost and
mu(before) 2^(-cost);  K(x) = k(x) + 2,  m(x) = mu(x) / 4:  the program ends with HALT
C(x) = min(k(x), min over the beginnings u of x of K(u) + the bits after u)        the plain reading
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from s30.room import Array, sibling

machine = sibling(__file__, "machine.py")


@cache
def enumerated(max_bits: int) -> tuple[dict[str, int], dict[str, Fraction]]:
    """K and m, exactly, of every string of at most `max_bits` bits, each of their programs being run."""
    found = list(machine.programs(max_bits))
    longest = max(len(program) for program, _ in found)
    complexity: dict[str, int] = {}
    mass: dict[str, int] = {}  # in units of 2^(-longest)
    for program, y in found:
        complexity[y] = min(complexity.get(y, longest), len(program))
        mass[y] = mass.get(y, 0) + (1 << (longest - len(program)))
    return complexity, {y: Fraction(units, 1 << longest) for y, units in mass.items()}


def of_every_tape(max_length: int) -> dict[str, int]:
    """C of every string that a tape of at most `max_length` bits describes in the plain reading, each tape being run."""
    complexity: dict[str, int] = {}
    for tape in machine.strings(max_length):  # by length: the first tape of a string is a shortest one
        if described := machine.read(tape, plain=True):
            complexity.setdefault(described[1], len(tape))
    return complexity


def last_instructions(n: int) -> tuple[Array, Array]:
    """Every way in which an output of n bits can have received its last instruction.

    Returns source (ways, 2^n): the `index` of the output before the instruction, -1 where it cannot have been the last,
    and cost (ways,): the instruction's length in bits.
    """
    x = np.arange(2**n)
    bits = x[:, None] >> np.arange(n)[::-1] & 1  # (2^n, n), first bit first
    source, cost = [], []

    def way(before: int, fits: Array, code: str, block: int = 0) -> None:
        source.append(np.where(fits, 2**before - 1 + (x >> (n - before)), -1))
        cost.append(len(code) + block)

    for length in range(1, n + 1):
        way(n - length, np.ones(2**n, dtype=bool), machine.WRITE + machine.gamma(length), block=length)
    for d in range(1, n):
        first = bits[:, :d]
        if n % d == 0:
            way(d, (bits == np.tile(first, n // d)).all(1), machine.REPEAT + machine.gamma(n // d - 1))
        if n == 2 * d:
            way(d, (bits[:, d:] == 1 - first).all(1), machine.INVERT)
            way(d, (bits[:, d:] == first[:, ::-1]).all(1), machine.MIRROR)
        way(d, (bits[:, d:] == first[:, -1:]).all(1), machine.HOLD + machine.gamma(n - d))
    return np.stack(source), np.array(cost)


def by_recursion(max_bits: int) -> tuple[Array, Array]:
    """K and -log2 m of every string of at most `max_bits` bits, by machine.index."""
    shortest, log_mass = np.zeros(1), np.zeros(1)  # before HALT; log2 of the mass
    for n in range(1, max_bits + 1):
        source, cost = last_instructions(n)
        ways = np.where(source < 0, np.inf, shortest[source] + cost[:, None])  # (ways, 2^n)
        parts = np.where(source < 0, 0.0, 2.0 ** (log_mass[source] - cost[:, None]))
        shortest, log_mass = np.append(shortest, ways.min(0)), np.append(log_mass, np.log2(parts.sum(0)))
    return shortest + len(machine.HALT), len(machine.HALT) - log_mass


def plain(complexity: Array) -> Array:
    """C of the same strings as K in `complexity`, of all strings of at most so many bits, by machine.index."""
    literal, found = complexity[:1], [complexity[:1] - len(machine.HALT)]
    for n in range(1, len(complexity).bit_length()):
        here = complexity[2**n - 1 : 2 ** (n + 1) - 1]
        # HALT names the rest: a program of a beginning, and the bits after it
        literal = np.minimum(np.repeat(literal, 2) + 1, here)
        found.append(np.minimum(here - len(machine.HALT), literal))
    return np.concatenate(found)


def mass_by_length(max_bits: int, unit: Fraction | float = 1.0) -> list[Fraction | float]:
    """Sum of m(x) over the strings of n bits, n = 0 ... max_bits: exact where `unit` is Fraction(1).

    mu_n = sum_l mu_(n-l) 2^(-2-g(l)) + sum_(d | n, d < n) mu_d 2^(-2-g(n/d-1)) + [2 | n] mu_(n/2) 3/16
           + sum_(0 < d < n) mu_d 2^(-4-g(n-d)),   mu_0 = 1, g(l) the length of gamma(l);   times 1/4 for HALT
    The l bits of a block cancel against the 2^l blocks.
    """
    costs = [0, *(len(machine.gamma(l)) for l in range(1, max_bits + 1))]
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
            ways.append((np.array([n // 2]), np.array([len(machine.MIRROR)])))  # no INVERT: it writes ones
        source, cost = (np.concatenate(part) for part in zip(*ways, strict=True))
        shortest[n] = (shortest[source] + cost).min()
        mass[n] = (mass[source] * 2.0**-cost).sum()
    return shortest + len(machine.HALT), len(machine.HALT) - np.log2(mass)
