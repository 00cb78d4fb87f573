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
a HALT: K(x), the length of the shortest, and m(x), the sum of 2^(-length) over all of them, are exact (complexity.py), with
no bound on time or length left open. The machine is not universal; its K bounds the universal one from above up to a
constant.

The plain reading of the same table knows where the tape ends. It stops there, or at `10`, which then appends all bits that
are left. C(x), the length of the shortest tape so read, is at most n + 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

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


def index(y: str) -> int:
    """The place of y in the list of all strings by length, then by value: 0 for the empty string."""
    return 2 ** len(y) - 1 + (int(y, 2) if y else 0)


def strings(max_bits: int) -> list[str]:
    """All strings of at most `max_bits` bits in the order of `index`."""
    return [format(value, f"0{n}b") if n else "" for n in range(max_bits + 1) for value in range(2**n)]
