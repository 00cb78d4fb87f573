"""The SymPy layer: proves each identity by named steps, and evaluates each bridge on the problem's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy

from s30.corpus.problem import SEEDS
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Identity
from s30.errors import S30Error, one_line
from s30.evidence.store import Evidence
from s30.layers.executable import Parts, Progress, problem_of

# The steps that a proof may name. Each preserves the value of an expression for all values of its symbols, so that no
# step can turn a false identity into a true one.
STEPS = {
    *("simplify", "expand", "factor", "together", "cancel", "radsimp", "apart", "doit"),
    *("trigsimp", "powsimp", "logcombine", "gammasimp", "combsimp", "hyperexpand"),
    *("expand_log", "expand_func", "expand_trig", "expand_power_exp"),
}
REWRITES = {"exp", "log", "gamma", "factorial", "binomial", "Piecewise", "tanh", "cos", "sin", "Sum", "Abs"}


def apply_step(step: str, expression: Any) -> Any:
    """One step of a proof. Raises S30Error for a step outside STEPS and REWRITES."""
    if step.startswith("rewrite:") and (target := step.removeprefix("rewrite:")) in REWRITES:
        return expression.rewrite(getattr(sympy, target))
    if step == "doit":
        return expression.doit()
    if step not in STEPS:
        raise S30Error(f"a proof may not use the step {step!r}")
    options = {"force": False} if step in ("expand_log", "logcombine") else {}
    return getattr(sympy, step)(expression, **options)


def prove(identity: Identity) -> tuple[bool, str]:
    """Whether the identity is proved, and if not, what stands in the way (in one line)."""
    if identity.relation not in ("==", ">=", ">"):
        raise S30Error(f"identity {identity.name}: unknown relation {identity.relation!r}")
    if not identity.proof:
        raise S30Error(f"identity {identity.name}: a proof needs at least one step")
    sides = []
    for name, side in (("lhs", identity.lhs), ("rhs", identity.rhs)):
        try:
            sides.append(_lift(side))
        except (TypeError, ValueError, sympy.SympifyError) as error:
            return False, f"{name} is no expression and no matrix of expressions: {one_line(error)}"
    lhs, rhs = sides
    if _shape(lhs) != _shape(rhs):
        return False, f"the sides have different shapes: {_shape(lhs)} and {_shape(rhs)}"
    if lhs == rhs:
        return False, "both sides are the same expression, so there is nothing to prove"
    if floats := sorted(map(str, lhs.atoms(sympy.Float) | rhs.atoms(sympy.Float))):
        return False, f"it holds the rounded number {floats[0]}: write it as a Rational"
    if identity.induction is None:
        return _decide(identity, lhs, rhs, "")
    n = identity.induction
    if not lhs.has(n) or not rhs.has(n):
        return False, f"induction over {n}, which does not occur on both sides"
    if n.is_integer is not True or n.is_nonnegative is not True:
        return False, f"induction over {n}, which is not assumed to be a positive or a nonnegative integer"
    if identity.base != (least := 1 if n.is_positive else 0):
        return False, f"induction from {identity.base}, but {n} is assumed to be {least} or more"
    holds, why = _decide(
        identity, lhs.subs(n, identity.base), rhs.subs(n, identity.base), f"base case {n} = {identity.base}: "
    )
    if not holds:
        return holds, why
    return _decide(identity, lhs.subs(n, n + 1) - lhs, rhs.subs(n, n + 1) - rhs, f"step {n} -> {n} + 1: ")


def _decide(identity: Identity, lhs: Any, rhs: Any, where: str) -> tuple[bool, str]:
    difference = lhs - rhs
    for step in identity.proof:
        difference = (
            difference.applyfunc(lambda e, s=step: apply_step(s, e))
            if _is_matrix(difference)
            else apply_step(step, difference)
        )
    entries = list(difference) if _is_matrix(difference) else [difference]
    test: Callable[[Any], bool] = {
        "==": lambda e: e is sympy.S.Zero or e == sympy.S.Zero,
        ">=": lambda e: e.is_nonnegative is True,
        ">": lambda e: e.is_positive is True,
    }[identity.relation]
    for index, entry in enumerate(entries):
        if not test(entry):
            at = f" (entry {index})" if len(entries) > 1 else ""
            return False, f"{where}lhs - rhs is not shown to be {identity.relation} 0{at}: {str(entry)[:200]}"
    return True, ""


def _lift(side: Any) -> Any:
    """An expression, or an immutable matrix of expressions (a list is a column). Raises TypeError for anything else: a
    string would be parsed into whatever it happens to spell, and of an empty matrix nothing can be said."""
    if not isinstance(side, (list, tuple)) and not _is_matrix(side):
        return _expression(side)
    rows = [
        list(row) if isinstance(row, (list, tuple)) else [row] for row in (side.tolist() if _is_matrix(side) else side)
    ]
    if not any(rows):
        raise TypeError("it is empty")
    return sympy.ImmutableMatrix([[_expression(entry) for entry in row] for row in rows])


def _expression(side: Any) -> Any:
    if isinstance(side, (str, bool)):
        raise TypeError(f"{side!r} is a {type(side).__name__}")
    lifted = sympy.sympify(side, strict=True)
    if not isinstance(lifted, sympy.Expr):
        raise TypeError(f"{str(lifted)[:60]} is a {type(lifted).__name__}")
    return lifted


def _shape(side: Any) -> tuple[int, ...]:
    return tuple(side.shape) if _is_matrix(side) else ()


def _is_matrix(value: Any) -> bool:
    return isinstance(value, sympy.MatrixBase)


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """The layer's evidence for one paper: every identity with its verdict, every bridge with its values. It has no parts."""
    derivations = paper.module("sympy/derivations.py")
    identities: dict[str, Any] = {}
    for identity in derivations.identities():
        progress(f"identity {identity.name}")
        if identity.name in identities:
            raise S30Error(f"two identities are named {identity.name!r}")
        try:
            proved, why = prove(identity)
        except Exception as error:  # one failing proof must not hide the others
            proved, why = False, one_line(error)
        identities[identity.name] = {
            "statement": identity.statement,
            "assumptions": identity.assumptions,
            "source": identity.source,
            "proof": [
                *(["induction over " + str(identity.induction)] if identity.induction is not None else []),
                *identity.proof,
            ],
            "proved": proved,
            "why": why,
        }
    arrays: dict[str, Array] = {}
    bridges: dict[str, Any] = {}
    for bridge in derivations.bridges():
        progress(f"bridge {bridge.name}")
        if bridge.name in bridges:
            raise S30Error(f"two bridges are named {bridge.name!r}")
        bridges[bridge.name] = {"statement": bridge.statement, "source": bridge.source, "target": bridge.target}
        for seed in SEEDS:
            arrays[f"seed{seed}/bridge/{bridge.name}"] = np.asarray(bridge.value(problem_of(paper, seed)))
    return Evidence(paper.id, "sympy", arrays, {"identities": identities, "bridges": bridges})


def prepare(task: str) -> None:
    """Nothing has to be set."""


def state() -> dict[str, Any]:
    """What a paper could leave changed in SymPy for the next one."""
    return {"mpmath's precision": mpmath.mp.prec}
