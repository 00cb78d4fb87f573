r"""What follows from the equations of message passing, and Hückel's energies by their polynomials: paper 12 (Gilmer et al., 2017).

Hückel        det(x 1 - A) of ethylene, butadiene, benzene, and of two pairs that messages do not tell apart; E_pi = 2, 2 sqrt 5, 8 in
              beta; orbitals of chains and rings
section 2     models before this one as equations (1) and (2): Kipf and Welling (equations 7, 8), Bruna et al. (equation 6)
5.3           d a_v / d score_w = a_v ([v = w] - a_w), so that a score moves the reading by a_w (n_w - r)
5.4           a round of k towers needs a k-th of the products
section 7     d loss / d y = 2 (y - target) / count

symbol        name here            symbol      name here
A             adjacency            n_v, r      n (one feature), reading
x             x                    a_v         weight
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
molecules = checks.molecules

x = sp.Symbol("x")
i, j, m = sp.symbols("i j m", integer=True, nonnegative=True)
e, n = sp.IndexedBase("e", real=True), sp.IndexedBase("n", real=True)


def adjacency(graph: tuple) -> sp.Matrix:
    count, edges = graph
    A = sp.zeros(count)
    for v, w in edges:
        A[v, w] = A[w, v] = 1
    return A


def identities() -> list[Identity]:
    return [*huckel(), *instances(), *reading()]


def huckel() -> list[Identity]:
    factored = {"ethylene": (x - 1) * (x + 1), "butadiene": (x**2 - x - 1) * (x**2 + x - 1),
                "benzene": (x - 2) * (x - 1) ** 2 * (x + 1) ** 2 * (x + 2), "two_cyclopropenyls": (x - 2) ** 2 * (x + 1) ** 4,
                "naphthalene": (x**2 - 1) * (x**2 - x - 3) * (x**2 - x - 1) * (x**2 + x - 3) * (x**2 + x - 1),
                "fulvalene": (x - 1) * (x**2 - x - 3) * (x**2 + x - 1) ** 2 * (x**3 - 4 * x + 1)}  # fmt: skip
    k, v = sp.symbols("k v", integer=True)
    theta = sp.Symbol("theta", real=True)
    model = "section 4: HOMO and LUMO, here in Hückel's model"
    chain = lambda n: sp.Sum(4 * sp.cos(k * sp.pi / (n + 1)), (k, 1, n // 2))
    return [
        *(
            Identity(
                f"polynomial_of_{name}", f"det(x 1 - A) of {name}, factored", (x * sp.eye(graph[0]) - adjacency(graph)).det(),
                    factored[name],
                "A the adjacency matrix of the carbon skeleton", model, proof=("expand",),
            )
            for name, graph in molecules.SMALL.items() if name in factored
        ),
        Identity(
            "chain_orbitals",
            "sin((v - 1) t) + sin((v + 1) t) = 2 cos t sin(v t): with sin((n + 1) t) = 0 an orbital of a chain of n atoms, of "
            "the eigenvalue 2 cos t", sp.sin((v - 1) * theta) + sp.sin((v + 1) * theta), 2 * sp.cos(theta) * sp.sin(v * theta),
            "any chain", model, proof=("expand", "expand_trig"),
        ),
        Identity(
            "ring_orbitals", "cos((v - 1) t) + cos((v + 1) t) = 2 cos t cos(v t): with t = 2 pi k / n an orbital of a ring",
            sp.cos((v - 1) * theta) + sp.cos((v + 1) * theta), 2 * sp.cos(theta) * sp.cos(v * theta), "any ring", model,
            proof=("expand", "expand_trig"),
        ),
        Identity("energy_of_ethylene", "E_pi = 2, in beta", chain(2), sp.S(2), "twice the upper half of 2 cos(k pi / (n + 1))", model,
            proof=("doit",)),
        Identity(
            "energy_of_butadiene", "E_pi = 2 sqrt 5, in beta", chain(4), 2 * sp.sqrt(5), "twice the upper half of 2 cos(k pi / (n + 1))",
            model,
            proof=("doit", "simplify"),
        ),
        Identity(
            "energy_of_benzene", "E_pi = 8, in beta", sp.Sum(4 * sp.cos(k * sp.pi / 3), (k, -1, 1)), sp.S(8), "twice the upper half of "
            "2 cos(2 pi k / 6)", model, proof=("doit",),
        ),
    ]  # fmt: skip


def instances() -> list[Identity]:
    """Models before this one as equations (1) and (2), and the count of a round's products."""
    (d, count), k = sp.symbols("d n", positive=True), sp.Symbol("k", integer=True, positive=True)
    tower = sp.Symbol("t", integer=True)
    edges = adjacency(molecules.SMALL["methylenecyclopropene"])
    atoms = "methylenecyclopropene, two features to three; ReLU or sigma follows on both sides"
    return [
        Identity(
            "kipf_and_welling", "D^(-1/2) A D^(-1/2) H W is equation (1) with the messages c_vw h_w, and W^T applied to their sum",
            *propagated(edges), atoms, "section 2, Laplacian based methods", proof=("expand",),
        ),
        Identity(
            "self_loops", "D~^(-1/2) A~ D~^(-1/2) H W, A~ = A + 1, is equation (1) with the messages L_vw h_w, a vertex its own neighbour, "
            "and the degrees of A~", *propagated(edges + sp.eye(edges.rows)), atoms, "equations (7) and (8)", proof=("expand",),
        ),
        Identity(
            "bruna", "y_j = sum_i V F_ij V^T x_i is equation (1) with the messages (L~_vw)^T x_w over all w, L~_vwij = (V F_ij V^T)_vw",
            *spectral(), "the triangle, two features to three, any filters F; sigma follows on both sides", "equation (6)",
            proof=("simplify",),
        ),
        Identity(
            "towers", "k towers of d / k entries: k n^2 (d / k)^2 = n^2 d^2 / k products", sp.Sum(count**2 * (d / k) ** 2, (tower, 1, k)),
            count**2 * d**2 / k, "a dense graph, without the mixing network", "section 5.4", proof=("doit", "simplify"),
        ),
    ]  # fmt: skip


def propagated(A: sp.Matrix) -> tuple[sp.Matrix, sp.Matrix]:
    """Kipf and Welling's layer for adjacency A by matrices, and vertex by vertex from messages."""
    count = A.rows
    h, W = sp.Matrix(count, 2, sp.symbols(f"h:{2 * count}", real=True)), sp.Matrix(2, 3, sp.symbols("w:6", real=True))
    D = sp.diag(*[1 / sp.sqrt(value) for value in A * sp.ones(count, 1)])
    near = [[w for w in range(count) if A[v, w]] for v in range(count)]
    # h_v = W^T sum_w (deg v deg w)^(-1/2) A_vw h_w
    sent = [
        sum((h[w, :].T / sp.sqrt(len(near[v]) * len(near[w])) for w in near[v]), sp.zeros(2, 1)) for v in range(count)
    ]  # fmt: skip
    return D * (A * (D * (h * W))), sp.Matrix.vstack(*[(W.T * m).T for m in sent])


def spectral() -> tuple[sp.Matrix, sp.Matrix]:
    """Equation (6) on a triangle, two features to three: by filters, and vertex by vertex from messages."""
    laplacian = sp.eye(3) - adjacency(molecules.ring(3)) / 2
    V = sp.Matrix.hstack(*sp.GramSchmidt([v for _, _, space in laplacian.eigenvects() for v in space], True))
    F = {(i, j): sp.diag(*sp.symbols(f"f{i}{j}_:3", real=True)) for i in range(2) for j in range(3)}
    x = sp.Matrix(3, 2, sp.symbols("x:6", real=True))
    # y_j = sum_i V F_ij V^T x_i
    filtered = [sum((V * (F[i, j] * (V.T * x[:, i])) for i in range(2)), sp.zeros(3, 1)) for j in range(3)]
    tilde = {key: V * value * V.T for key, value in F.items()}

    def at(v: int, w: int) -> sp.Matrix:
        return sp.Matrix(2, 3, lambda i, j: tilde[i, j][v, w])

    # y_v = sum_w (L~_vw)^T x_w, L~_vw a matrix of two rows and three columns
    rows = [sum((at(v, w).T * x[w, :].T for w in range(3)), sp.zeros(3, 1)).T for v in range(3)]
    return sp.Matrix.hstack(*filtered), sp.Matrix.vstack(*rows)


def reading() -> list[Identity]:
    count = i + j + m + 1  # any number of vertices, i and j among them
    l = sp.Symbol("l", integer=True, nonnegative=True)
    total = sp.Sum(sp.exp(e[l]), (l, 0, count - 1))
    mean = sp.Sum(sp.exp(e[l]) * n[l], (l, 0, count - 1)) / total
    many = "any number of vertices, real scores"
    y, t = sp.symbols("y t", real=True)
    return [
        Identity(
            "softmax_jacobian", "d a_v / d score_w = a_v ([v = w] - a_w)", sp.Derivative(sp.exp(e[i]) / total, e[j]),
            sp.exp(e[i]) / total * (sp.KroneckerDelta(i, j) - sp.exp(e[j]) / total), many, "section 5.3", proof=("doit", "doit", "expand"),
        ),
        Identity(
            "reading_gradient", "d r / d score_w = a_w (n_w - r): a score moves the reading towards its vertex", sp.Derivative(mean, e[j]),
            sp.exp(e[j]) / total * (n[j] - mean), many + "; one feature of n", "section 5.3", proof=("doit", "doit", "expand"),
        ),
        Identity(
            "loss_gradient", "d (y - t)^2 / dy = 2 (y - t)", sp.Derivative((y - t) ** 2, y), 2 * (y - t), "one target", "section 7",
            proof=("doit", "expand"),
        ),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    return [
        Bridge(
            "loss", "the mean square of y less E_pi and gap, these by SymPy's roots of det(x 1 - A) read off the edges", "output:loss",
            loss_by_polynomials, "section 7",
        ),
        Bridge(
            "output_bias", "2 (y - target) over the number of targets", "gradient:output.prediction.bias", lambda p: slope(p).sum(0),
            "section 7",
        ),
        Bridge(
            "output_weight", "the same times the rectified units", "gradient:output.prediction.weight",
            lambda p: slope(p).T @ np.maximum(checks.affine(p.params, "output.hidden", trace(p)["embedding"]), 0), "section 5.3",
        ),
    ]  # fmt: skip


def trace(problem: Problem) -> dict[str, Array]:
    return checks.forward(problem.params, problem.batch, **problem.config)


def loss_by_polynomials(problem: Problem) -> Array:
    batch, targets = problem.batch, []
    for vertices, source, target, real in zip(
        *(batch[name] for name in ("vertex_mask", "source", "target_vertex", "edge_mask"))
    ):
        bonds = [(int(v), int(w)) for v, w in zip(source[real], target[real])]
        roots = adjacency((int(vertices.sum()), bonds)).charpoly(x).as_expr().as_poly(x).real_roots()
        high, half = sorted((float(root.evalf(20)) for root in roots), reverse=True), len(roots) // 2
        targets.append([2 * sum(high[:half]), high[half - 1] - high[half]])
    return np.mean((trace(problem)["prediction"] - np.array(targets)) ** 2)


def slope(problem: Problem) -> Array:
    """d loss / d y, (graph, target)."""
    y, t = sp.symbols("y t", real=True)
    of = sp.lambdify((y, t), sp.diff((y - t) ** 2, y), "numpy")
    found = trace(problem)["prediction"]
    return of(found, problem.batch["target"]) / found.size
