r"""Hulls, tours and orders, pointed at: what a pointer network learns from examples alone, and on inputs longer than any of them.

    hull       the convex hull, counter-clockwise from its lowest index and closed, then <=; unconstrained      section 4.2
    rival      orders of four points, read by attention and named from a dictionary of four, then <=           equation (3)
    tour       the shortest tour, from the first city, counter-clockwise; only unused cities                   section 4.4
    order      points from left to right: sorting, of which the paper speaks last; only unused points          section 5
    shuffled   the pointer network on orders that belong to other point sets                                   the control

A network with v = 0 is asked as well: all of its scores are equal, so it writes what comes first, and is right by chance.

Every update has new point sets. Networks are trained on sets of 3 to 5 points (tours and orders: 3 to 6; the rival: 4), and
asked about larger ones too. Greedy decoding and beam search answer side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
geometry = sibling(__file__, "geometry.py")
search = sibling(__file__, "search.py")
figures = sibling(__file__, "figures.py")

HULL, FREE, TOUR = {"reuse": True, "stop": True}, {"reuse": True, "stop": False}, {"reuse": False, "stop": False}
# What may be pointed at in training. Tours are restricted in the search alone, as in section 4.4; orders in training as well.
NETS: dict[str, dict[str, Any]] = {"hull": HULL, "rival": HULL, "tour": FREE, "order": TOUR, "shuffled": TOUR}
HIDDEN, WORDS, WIDTH = 32, 4, 4  # units; points that the rival can name; sequences in a beam
# Fewest and most points in training, and how many there are in questions.
TRAINED = {"hull": (3, 5), "rival": (4, 4), "tour": (3, 6), "order": (3, 6), "shuffled": (3, 6)}
ASKED = {"hull": (5, 6, 8), "rival": (4, 5), "tour": (6, 8), "order": (6, 8), "shuffled": (6,)}
LONGEST = 8  # every question is padded to that many points
STEPS = 7  # of the longest target, a closed hull of 5 points and its end
BATCH, RATE, CLIP = 64, 2e-2, 2.0  # the limit is the paper's
UPDATES = {"hull": 540, "rival": 280, "tour": 360, "order": 120, "shuffled": 120}
PROFILES = {"quick": (1, 1, 200), "full": (3, 4, 500)}  # seeds, updates in those of quick, held-out sets of each size

WHAT = {
    "hull": "hulls that the pointer network writes exactly",
    "rival": "orders that the rival with a dictionary of four writes exactly",
    "tour": "sets for which the pointer network writes a shortest tour",
    "order": "orders that the pointer network writes exactly",
    "shuffled": "orders that the network trained on shuffled targets writes exactly",
}
HOW = {"greedy": "by greedy decoding", "beam": f"by a beam of {WIDTH}"}


def _metrics() -> dict[str, Metric]:
    found = {
        f"exact_{net}_{size}_{how}": Metric(
            f"share of {WHAT[net]} {words}, of {size} points",
            "share",
            "seeds",
            net,
            "high",
            spread={"order": 0.2, "rival": 0.3}.get(net, 0.35),
        )
        for net, sizes in ASKED.items()
        for size in sizes
        for how, words in HOW.items()
    }
    for net in ("order", "shuffled"):
        found[f"confidence_{net}"] = Metric(
            f"mean probability that the network trained on {'its' if net == 'order' else 'shuffled'} targets gives to the order of 6 "
            "points that it writes",
            "share",
            "seeds",
            net,
            "high",
            control=net == "shuffled",
            spread=0.1,
        )
    for size in ASKED["hull"]:
        found[f"simple_{size}"] = Metric(
            f"share of {size}-point sets for which a simple polygon is written, by greedy decoding",
            "share",
            "seeds",
            "hull",
            "high",
            spread=0.2 if size < LONGEST else 0.4,  # of 8 points it is a matter of the run
        )
        found[f"area_{size}"] = Metric(
            f"area covered of the hull of {size} points, where the polygon written is simple",
            "share",
            "seeds",
            "hull",
            "high",
            spread=0.1,
        )
    for size in ASKED["tour"]:
        for how, words in HOW.items():
            found[f"length_{size}_{how}"] = Metric(
                f"mean length of tours of {size} cities {words}, over the shortest",
                "1",
                "seeds",
                "tour",
                "low",
                spread=0.1,
            )
        found[f"length_{size}_unordered"] = Metric(
            f"the same of tours of {size} cities in the order in which they are given",
            "1",
            "seeds",
        )
        found[f"invalid_{size}_free"] = Metric(
            f"share of sequences of {size} cities that are no tour, where used cities may be pointed at again",
            "share",
            "seeds",
            "tour",
            "low",
            spread=0.4,
        )
        found[f"invalid_{size}_masked"] = Metric(
            f"the same of {size} cities where they may not, by greedy decoding and by a beam",
            "share",
            "seeds",
            "tour",
            "low",
        )
    for size in (5, 10):
        found[f"optimal_{size}"] = Metric(
            f"mean length of the shortest tour of {size} uniform cities in the unit square", "side"
        )
    return found | {
        "exact_undecided_6": Metric("share of orders of 6 points that a network with v = 0 writes exactly", "share", "seeds", control=True),
        "beam_gain": Metric(
            "mean gain of the beam over greedy decoding in the log-probability of what is written, hulls of 8 points", "nats", "seeds",
            "hull", "high", spread=0.5,
        ),
        "beam_loss": Metric("share of those where the beam finds a less probable sequence", "share", "seeds", "hull", "low", spread=0.05),
    }  # fmt: skip


METRICS = _metrics()


def config(net: str) -> dict[str, Any]:
    """What `Model` and `forward` are built with."""
    return {"features": 2, "hidden": HIDDEN, "dictionary": WORDS if net == "rival" else 0, **NETS[net]}


def searches(net: str) -> dict[str, tuple[int, dict[str, bool]]]:
    """The searches by which a network is asked: width, and what may be pointed at. `free` leaves a tour unconstrained."""
    how = HULL if net in ("hull", "rival") else TOUR
    return {"greedy": (1, how), "beam": (WIDTH, how)} | ({"free": (1, FREE)} if net == "tour" else {})


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Uniform within 1 / sqrt(fan in), as PyTorch's LSTM has it by its width; the paper's is ±0.08 for 256 to 512 units."""
    return {name: rng.uniform(-1, 1, shape) * HIDDEN**-0.5 for name, shape in checks.shapes(**config(net)).items()}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """The sequences written by each of `searches`, and the logarithms of their probabilities."""
    answers = {}
    for name, (width, how) in searches(net).items():
        found, total = search.written(
            params, inputs["points"], inputs["point_mask"], steps=inputs["points"].shape[1] + 2, width=width,
            dictionary=config(net)["dictionary"], **how,
        )  # fmt: skip
        answers |= {name: found, f"{name}_log_p": total}
    return answers


def answers(net: str, points: Array) -> Array:
    """The right sequences of point sets (set, point, 2), choices from 1."""
    if net == "tour":
        return geometry.tours(points)[0]
    if net in ("order", "rival", "shuffled"):
        return 1 + np.argsort(points[..., 0], 1, kind="stable")
    return geometry.hulls(points)


def padded(points: Array, width: int) -> dict[str, Array]:
    """What a network reads: the square as [-2, 2]^2, padded by zeros. In [-1/2, 1/2]^2 nothing is learnt in this time."""
    count, size = points.shape[:2]
    read = np.zeros((count, width, 2))
    read[:, :size] = 4 * (points / geometry.SIDE - 0.5)
    return {"points": read, "point_mask": np.tile(np.arange(width) < size, (count, 1))}


def examples(rng: np.random.Generator, net: str, count: int) -> dict[str, Array]:
    """`count` sets, of each size as many as of any other, with their right answers, in random order."""
    fewest, most = TRAINED[net]
    parts = []
    for size in range(fewest, most + 1):
        points = geometry.sample(rng, -(-count // (most - fewest + 1)), size)
        target = answers(net, points)
        if net == "shuffled":  # the answer of another set of this size
            target = np.roll(target, 1, 0)
        target = np.pad(target, [(0, 0), (0, STEPS - target.shape[1])])
        # a hull has its <= as well; behind it all is zero
        known = np.arange(STEPS) < (target > 0).sum(1)[:, None] + NETS[net]["stop"]
        parts.append({**padded(points, STEPS - 1), "target": target, "target_mask": known})
    order = rng.permutation(sum(len(part["target"]) for part in parts))[:count]
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, factor, held_out = PROFILES[profile]
    metrics: dict[str, float | list[float]] = {name: [] for name in METRICS if METRICS[name].over}
    losses: dict[str, list[Array]] = {net: [] for net in NETS}
    shown: dict[str, tuple[Array, Array]] = {}
    for s in range(seed, seed + seeds):
        for number, net in enumerate(NETS):
            framework.progress((s - seed + number / len(NETS)) / seeds, f"seed {s}, {net}")
            rng = np.random.default_rng([6, s, list(NETS).index("order" if net == "shuffled" else net)])
            updates = factor * UPDATES[net]
            data, start = examples(rng, net, BATCH * updates), initial(rng, net)
            order = np.arange(BATCH * updates).reshape(updates, BATCH)
            rates = linear_decay(RATE, updates, warm_up=updates // 10)
            trained = framework.train(Training(net, start, data, order, rates, clip=CLIP))
            losses[net].append(trained.losses)
            for size in ASKED[net]:
                points = geometry.sample(rng, held_out, size)
                said = framework.predict(net, trained.params, padded(points, LONGEST))
                found = examined(net, points, said)
                shown[f"{net}_{size}"] = points, said["greedy"]
                if (net, size) == ("order", 6):
                    blank = {**trained.params, "score.weight": np.zeros((1, HIDDEN))}
                    first = examined(net, points, framework.predict(net, blank, padded(points, LONGEST)))
                    found["exact_undecided_6"] = first["exact_order_6_greedy"]
                for name, value in found.items():
                    metrics[name].append(value)  # type: ignore[union-attr]
    framework.progress(0.98, "shortest tours")
    rng = np.random.default_rng([6, seed, 99])
    metrics["optimal_5"] = float(geometry.tours(geometry.sample(rng, 10000, 5))[1].mean())
    metrics["optimal_10"] = float(geometry.held_karp(geometry.sample(rng, 3000, 10)).mean())
    return Experiment(metrics, figures.drawn(metrics, losses, shown))


def examined(net: str, points: Array, said: Arrays) -> dict[str, float]:
    """The metrics of one network on these point sets, all of one size."""
    size, right, found = points.shape[1], answers(net, points), {}
    if net == "hull":
        truth = [geometry.corners(row, size) for row in right]
        for how in HOW:
            polygons = [geometry.corners(row, size) for row in said[how]]
            same = [
                one is not None and geometry.same_polygon(one, other)
                for one, other in zip(polygons, truth, strict=True)
            ]
            found[f"exact_{net}_{size}_{how}"] = float(np.mean(same))
        found |= covered(points, [geometry.corners(row, size) for row in said["greedy"]], truth)
        if size == LONGEST:
            gain = said["beam_log_p"] - said["greedy_log_p"]
            found |= {"beam_gain": float(gain.mean()), "beam_loss": float((gain < -1e-6).mean())}
        return found
    whole = np.pad(right, [(0, 0), (0, said["greedy"].shape[1] - size)])  # and then it ends
    for how in HOW:
        found[f"exact_{net}_{size}_{how}"] = float((said[how] == whole).all(1).mean())
    if net in ("order", "shuffled") and size == 6:
        found[f"confidence_{net}"] = float(np.exp(said["greedy_log_p"]).mean())
    if net == "tour":
        shortest, cities = geometry.lengths(points, right - 1), np.arange(1, size + 1)
        valid = {how: (np.sort(said[how][:, :size], 1) == cities).all(1) for how in (*HOW, "free")}
        for how in HOW:  # what is no tour counts as the cities in the given order
            tours = np.where(valid[how][:, None], said[how][:, :size], cities)
            ratio = geometry.lengths(points, tours - 1) / shortest
            found[f"length_{size}_{how}"] = float(ratio.mean())
            found[f"exact_{net}_{size}_{how}"] = float((valid[how] & (ratio < 1 + 1e-9)).mean())  # in either direction
        given = np.broadcast_to(cities, (len(points), size))
        found[f"length_{size}_unordered"] = float((geometry.lengths(points, given - 1) / shortest).mean())
        found[f"invalid_{size}_free"] = float(1 - valid["free"].mean())
        found[f"invalid_{size}_masked"] = float(1 - (valid["greedy"] & valid["beam"]).mean())
    return found


def covered(points: Array, polygons: list[list[int] | None], truth: list[list[int]]) -> dict[str, float]:
    """How many polygons are simple, and how much of the hull those cover."""
    found = [geometry.covered(*row) for row in zip(points, polygons, truth, strict=True)]
    shares, size = [share for share in found if share is not None], points.shape[1]
    return {f"simple_{size}": len(shares) / len(points), f"area_{size}": float(np.mean(shares)) if shares else 0.0}
