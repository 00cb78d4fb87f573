"""The definitions in Agda, run: the context after the checked problem's steps, the probability of its sequences (elements may be pointed
at again here, as the theorems have it) from lists and from multisets, and the chain rule with the LSTM itself, in every order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
sets = sibling(__file__, "../orders.py")


def _list(terms: Iterable[str]) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def cell(params: Arrays, name: str) -> str:
    """The blocks of an LSTM with inputs, both biases as one."""
    w, u = (np.split(params[f"{name}.{part}_l0"], 4) for part in ("weight_ih", "weight_hh"))
    b = np.split(params[f"{name}.bias_ih_l0"] + params[f"{name}.bias_hh_l0"], 4)
    return _list(f"(({literal(x)} , {literal(y)}) , {literal(z)})" for x, y, z in zip(w, u, b, strict=True))


def network(problem: Problem) -> str:
    """The arguments of `Set`: everything but the steps and the memories."""
    params = problem.params
    parts = zip(np.split(params["process.weight"], 4), np.split(params["process.bias"], 4), strict=True)
    blocks = _list(f"({literal(w)} , {literal(b)})" for w, b in parts)
    rest = [
        params["start"],
        params["score.weight"][0],
        *(params[f"{name}.weight"] for name in ("key", "query", "glimpse")),
    ]
    weights = " ".join(map(literal, rest))
    begun = f"{problem.config['hidden']} {blocks} {literal(params['context.weight'])} {cell(params, 'write')}"
    return f"{begun} {weights} {problem.config['steps']}"


def memories(problem: Problem) -> list[str]:
    """Of each example its memories, padding as nothing."""
    memory = checks.forward(problem.params, problem.batch, **problem.config)["memory"]
    return [
        _list(f"just {literal(m)}" if real else "nothing" for m, real in zip(rows, mask, strict=True))
        for rows, mask in zip(memory, problem.batch["point_mask"], strict=True)
    ]


def context(problem: Problem) -> str:
    return f"contexts {network(problem)} {_list(memories(problem))}"


def written(problem: Problem) -> str:
    memory = checks.forward(problem.params, problem.batch, **problem.config)["memory"]
    rows = []
    for b, elements in enumerate(memories(problem)):
        target = problem.batch["target"][b, problem.batch["target_mask"][b]]
        rows.append(f"({elements} , {_list(f'just {literal(memory[b, place])}' for place in target)})")
    return f"writtenOf {network(problem)} {_list(rows)}"


def likelihoods(problem: Problem, _: Arrays) -> Array:
    batch = problem.batch
    found = checks.forward(problem.params, batch, **{**problem.config, "reuse": True})["probability"]
    said = np.take_along_axis(found, batch["target"][..., None], -1)[..., 0]
    return np.tile(np.where(batch["target_mask"], said, 1).prod(1)[:, None], 2)  # as a list, and as a multiset


def joint(problem: Problem, name: str) -> str:
    params, config = problem.params, problem.config
    numbers = [params[f"joint.{part}"] for part in ("start", "embedding.weight", "readout.weight", "readout.bias")]
    return f"{name} {config['variables']} {config['symbols']} {cell(params, 'joint.lstm')} {' '.join(map(literal, numbers))}"


def settings(problem: Problem) -> str:
    return f"{joint(problem, 'jointOf')} {literal(sets.pairs(problem.batch['values'], problem.batch['order'], problem.config['symbols']))}"


def probabilities(problem: Problem, found: Arrays) -> Array:
    log_p = np.log(np.where(found["joint_probability"] > 0, found["joint_probability"], 1))
    return np.exp(sets.of_pairs(log_p, problem.batch["values"], problem.batch["order"]).sum(1))


def inserted(things: list[int]) -> list[list[int]]:
    """All orders, the first thing put into each place of the orders of the others."""
    if not things:
        return [[]]
    return [[*rest[:at], things[0], *rest[at:]] for rest in inserted(things[1:]) for at in range(len(rest) + 1)]


def evaluations() -> list[Evaluation]:
    lists = ["Sets-Read.readList"]
    multisets = ["Sets-Read.read", "Sets-Process.processSet", "Sets-Process.pointedSet", "Sets-Process.writtenSet"]
    chain = [f"Sets-Orders.Chain.{name}" for name in ("probability", "sequences", "total")]
    return [
        Evaluation(
            "context", [*lists, "Sets-Process.step", "Sets-Process.process"], "Sets-Run", context, lambda problem, found: found["context"],
            on=("seed0", "seed1"),
        ),
        Evaluation(
            "written", [*lists, *multisets, *(f"Sets-Process.{name}" for name in ("pointed", "likelihood", "written"))], "Sets-Run",
            written, likelihoods, on=("seed0", "duplicates"),
        ),
        Evaluation("joint", chain[:1], "Sets-Run", settings, probabilities, on=("seed0", "seed2")),
        Evaluation("all_orders", chain, "Sets-Run", lambda problem: joint(problem, "all"), lambda problem, _: np.ones(())),
        Evaluation(
            "orders", ["Sets-Orders.insert", "Sets-Orders.orders"], "Sets-Run", lambda problem: f"orders {literal(np.arange(4))}",
            lambda problem, _: np.array(inserted(list(range(4)))), exact=True,
        ),
        Evaluation(
            "factorials", ["Sets-Orders._!"], "Sets-Run", lambda problem: f"factorials {literal(np.arange(7))}",
            lambda problem, _: np.array([len(sets.all_orders(n)) for n in range(7)]), exact=True,
        ),
    ]  # fmt: skip
