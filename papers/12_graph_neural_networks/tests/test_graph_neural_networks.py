"""What no layer can be asked: the molecules, their orbitals by exact polynomials, and that held-out ones stay out."""

import numpy as np
import pytest
import sympy as sp

from s30.corpus.registry import Paper


@pytest.fixture
def molecules(room: Paper):
    return room.module("molecules.py")


@pytest.fixture
def grown(molecules):
    rng = np.random.default_rng(0)
    return [molecules.grown(rng, int(rng.choice((8, 10, 12, 14)))) for _ in range(40)]


def test_energies_and_gaps_are_those_of_exact_polynomials(molecules, grown) -> None:
    x = sp.Symbol("x")
    for count, edges in [*molecules.SMALL.values(), *grown[:3]]:
        A = sp.Matrix(molecules.adjacency(count, edges).astype(int))
        polynomial = A.charpoly(x).as_expr().as_poly(x)
        assert tuple(int(c) for c in polynomial.all_coeffs()) == molecules.polynomial(count, edges)
        high = sorted((float(root.evalf(20)) for root in polynomial.real_roots()), reverse=True)
        half, odd = divmod(count, 2)
        energy = 2 * sum(high[:half]) + odd * high[half]
        gap = 0 if odd else high[half - 1] - high[half]
        assert molecules.huckel(count, edges) == pytest.approx((energy, gap), abs=1e-7)


def test_skeletons_have_a_kekule_structure_and_no_atom_with_four_bonds(molecules, grown) -> None:
    for count, edges in grown:
        assert molecules.adjacency(count, edges).sum(0).max() <= 3
        ends = np.array(edges)[molecules.double(count, edges)].ravel()
        assert sorted(ends) == list(range(count))  # each atom has one double bond


def test_a_bond_of_a_ring_may_be_left_out(molecules, grown) -> None:
    for count, edges in grown:
        for bond, inside in zip(edges, molecules.in_ring(count, edges), strict=True):
            rest = [other for other in edges if other != bond]
            assert inside == (molecules.distances(count, rest)[bond] < count)


def test_messages_do_not_tell_naphthalene_from_fulvalene_unless_bonds_say_which_lie_in_rings(
    room: Paper, molecules
) -> None:
    checks, pair = room.module("numpy_checks.py"), [molecules.SMALL[name] for name in ("naphthalene", "fulvalene")]
    gaps = [molecules.huckel(*graph)[1] for graph in pair]
    assert abs(gaps[0] - gaps[1]) > 0.8
    degrees = [molecules.adjacency(*graph).sum(0).astype(int) for graph in pair]
    for readout in ("set2set", "sum", "gated"):
        problem = checks.drawn(np.random.default_rng(3), pair, {**checks.CONFIG, "readout": readout, "rounds": 6})
        batch = {**problem.batch, "atoms": np.stack([np.eye(3)[3 - degree] for degree in degrees])}
        inside = [np.tile(molecules.in_ring(*graph), 2) for graph in pair]
        plain = [np.ones((22, 2))] * 2
        told = [np.column_stack([np.ones(22), ring]) for ring in inside]
        for bonds, least, most in ((plain, 0.0, 1e-12), (told, 1e-6, np.inf)):
            found = checks.forward(problem.params, {**batch, "bonds": np.stack(bonds)}, **problem.config)["prediction"]
            assert least <= np.abs(found[0] - found[1]).max() < most


def test_a_molecule_stays_on_its_side_of_the_split_under_another_numbering(molecules, grown) -> None:
    rng = np.random.default_rng(1)
    for count, edges in grown:
        new = rng.permutation(count)
        renamed = count, [(int(new[v]), int(new[w])) for v, w in edges]
        assert molecules.held_out(renamed) == molecules.held_out((count, edges))
