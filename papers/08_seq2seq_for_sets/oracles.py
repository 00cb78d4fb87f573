"""Independent computations that NumPy's model, its search and its orders must equal (paper 08)."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from mpmath import exp, fdot, fsum, mpf, tanh, workdps

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")
orders = sibling(__file__, "orders.py")
search = sibling(__file__, "search.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "process_in_many_digits", "every step's attention, and the context at the end",
            "equations (3) to (7) one number at a time, by mpmath with 50 digits", many_digits, ("large_scores", "long"),
        ),
        Oracle(
            "all_sets_in_all_orders", "the probabilities of all settings of the variables in all orders sum to one; those in one order "
            "that is told as well", "brute force over orders and values", everything, ("blind", "long"),
        ),
        Oracle(
            "greedy_step_by_step", "greedy decoding writes what the network finds most probable after each prefix, with its probability",
            "one forward pass for each prefix", greedy_by_prefixes, ("rival", "blind", "long"),
        ),
        Oracle(
            "orders_left_to_right", "an order that is drawn is at each step the argmax of log p + noise among the variables that are left",
            "one forward pass for each prefix, and a loop over what is left", orders_by_prefixes, ("long",),
        ),
    ]  # fmt: skip


def many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, found = problem.params, forward(problem.params, problem.batch)
    theirs: list[float] = []
    with workdps(50):
        weight, bias = params["process.weight"].tolist(), params["process.bias"].tolist()
        hidden = len(bias) // 4
        for memory, mask in zip(found["memory"], problem.batch["point_mask"], strict=True):
            keys = [[mpf(float(value)) for value in key] for key in memory[mask]]
            read, cell, seen = [mpf(0)] * (2 * hidden), [mpf(0)] * hidden, []
            for _ in range(problem.config["steps"]):
                gates = [fdot(row, read) + b for row, b in zip(weight, bias, strict=True)]
                i, f, g, o = (gates[at : at + hidden] for at in range(0, 4 * hidden, hidden))
                cell = [_sigmoid(b) * c + _sigmoid(a) * tanh(d) for a, b, c, d in zip(i, f, cell, g, strict=True)]
                query = [_sigmoid(a) * tanh(c) for a, c in zip(o, cell, strict=True)]
                weights = [exp(fdot(key, query)) for key in keys]
                shares = [value / fsum(weights) for value in weights]
                read = query + [fdot(shares, [key[unit] for key in keys]) for unit in range(hidden)]
                seen += [*map(float, shares), *[0.0] * int((~mask).sum())]
            theirs += [*seen, *map(float, read)]
    ours = [np.concatenate([a.ravel(), c]) for a, c in zip(found["attention"], found["context"], strict=True)]
    return np.concatenate(ours), np.array(theirs)


def _sigmoid(a: mpf) -> mpf:
    return 1 / (1 + exp(-a))


def everything(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    config = {name: problem.config[name] for name in ("variables", "symbols")}
    settings = np.array(list(product(range(config["symbols"]), repeat=config["variables"])))
    every = orders.all_orders(config["variables"])
    told = np.tile(problem.batch["order"][0], (len(settings), 1))
    totals = [
        probabilities(
            problem, np.repeat(settings, len(every), 0), np.tile(every, (len(settings), 1)), told=False, **config
        ).sum(),
        probabilities(problem, settings, told, told=True, **config).sum(),
    ]
    return np.array(totals), np.ones(2)


def probabilities(problem: Problem, values: Array, order: Array, **config: Any) -> Array:
    """p(Y_pi) of each example, (batch,)."""
    _, log_p = orders.chain(problem.params, values, order, **config)
    result: Array = np.exp(orders.of_pairs(log_p, values, order).sum(1))
    return result


def greedy_by_prefixes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    batch, how = problem.batch, {name: problem.config[name] for name in ("steps", "glimpse", "ordered", "reuse")}
    found, total = search.written(problem.params, batch["points"], batch["point_mask"], **how)
    theirs, log_p = np.full_like(found, -1), np.zeros(len(found))
    for b, length in enumerate(batch["point_mask"].sum(1)):
        for j in range(length):
            prefix, open_places = theirs[b, :j], [p for p in range(length) if how["reuse"] or p not in theirs[b, :j]]
            asked = {name: batch[name][[b]] for name in ("points", "point_mask", "values", "order")}
            likely = []
            for place in open_places:
                target = np.append(prefix, place)[None]
                likely.append(
                    forward(problem.params, {**asked, "target": target, "target_mask": target >= 0})["probability"][
                        0, j, place
                    ]
                )
            theirs[b, j] = open_places[int(np.argmax(likely))]
            log_p[b] += np.log(max(likely))
    return np.append(found, total), np.append(theirs, log_p)


def orders_by_prefixes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    # Five variables, since of three the last is forced once two are written; another draw for each problem.
    rng = np.random.default_rng([8, *problem.batch["order"].ravel(), *problem.batch["values"].ravel()])
    five = checks.drawn(rng, [2, 1], [[0], [0]], {**checks.CONFIG, "variables": 5})
    values, noise = five.batch["values"], rng.gumbel(size=(2, 5, 5))
    ours = orders.drawn_orders(five.params, values, noise, symbols=five.config["symbols"])
    theirs = np.zeros_like(ours)
    for b in range(2):
        left = list(range(5))
        for t in range(5):
            given = {name: value[[b]] for name, value in five.batch.items()}
            given["order"] = np.array([[*theirs[b, :t], *left]])
            p = forward(five.params, given, **five.config)["joint_probability"][0, t]  # of the pairs that are left
            theirs[b, t] = max(left, key=lambda v: np.log(p[v, values[b, v]]) + noise[b, t, v])
            left.remove(theirs[b, t])
    return ours, theirs
