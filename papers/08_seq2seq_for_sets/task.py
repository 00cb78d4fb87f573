r"""Sets that are sorted, and sets whose order of writing matters, or seems to (paper 08).

section 4.4   five numbers, unsorted, are pointed at in their order; what was used may be pointed at again (table 1)
    blind     no step of processing, no glimpse              process   one step              deep      five steps
    glimpse   no step, a glimpse before each pointer         both      one step, and glimpses
    shuffled  process, on the orders of other sets: the control
section 5.1.4 stars: a head, and leaves that depend on it alone; written head first or head last, the order told
    small, large, peaky    500 examples, 8000, or 500 of leaves that almost follow from the head
section 5.2   the same stars, each variable chosen with its value, on 500 examples
    any          a random order for each, of which ln n! must be subtracted
    two, all     equation (9): among two orders or all n!, random at first, then drawn by what the model finds probable
    naive        among two from the start, and the most probable always
"""

from __future__ import annotations

from math import lgamma
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
orders = sibling(__file__, "orders.py")
search = sibling(__file__, "search.py")
stars = sibling(__file__, "stars.py")
figures = sibling(__file__, "figures.py")

HIDDEN, MOST = 32, 5  # units; the most steps of processing
SORTS: dict[str, dict[str, Any]] = {
    "blind": {"steps": 0, "glimpse": False},
    "glimpse": {"steps": 0, "glimpse": True},
    "process": {"steps": 1, "glimpse": False},
    "both": {"steps": 1, "glimpse": True},
    "deep": {"steps": 5, "glimpse": False},
    "shuffled": {"steps": 1, "glimpse": False},
}
SIZE, LONGER = 5, 7  # elements in training, and beyond it
# Stars: examples, and how much leaves vary with the head; written head first or last.
STARS = {"small": (500, 1.5), "large": (8000, 1.5), "peaky": (500, 5.0)}
WRITTEN = ("any", "two", "naive", "all")
VARIABLES, SYMBOLS = 10, 6
BATCH, CLIP = 64, 2.0
RATES = {"sort": 1e-2, "star": 2e-2}
UPDATES = {"sort": 120, "shuffled": 40, "star": 100, "any": 100, "two": 150, "naive": 40, "all": 150}
RANDOM = 2 / 3  # of the updates of a search, in which orders are drawn by a coin
ORDERS = 4  # random orders in which held-out settings are written
PROFILES = {"quick": (1, 1, 500), "full": (3, 4, 1000)}  # seeds, updates in those of quick, held-out examples

LABELS = {
    "blind": "without processing or glimpse", "glimpse": "with a glimpse", "process": "with one step of processing",
    "both": "with one step and a glimpse", "deep": "with five steps of processing", "shuffled": "on orders of other sets",
}  # fmt: skip


def _metrics() -> dict[str, Metric]:
    found = {}
    for net, label in LABELS.items():
        for size in (SIZE, LONGER):
            found[f"exact_{net}_{size}"] = Metric(
                f"share of held-out sets of {size} numbers that are sorted exactly, {label}", "share", "seeds", net, "high",
                control=net == "shuffled", spread=0.4 if net == "deep" else 0.3,
            )  # fmt: skip
    what = {
        "small": "500 examples",
        "large": "8000 examples",
        "peaky": "500 examples whose leaves almost follow from the head",
    }
    for star, words in what.items():
        for order in ("first", "last"):
            found[f"excess_{star}_{order}"] = Metric(
                f"code length of fresh settings beyond that of the star itself, head {order}, trained on {words}", "nats", "seeds",
                f"{star}_{order}", "low", spread=0.3,
            )  # fmt: skip
    found["excess_any"] = Metric(
        "the same over random orders, after training on random orders with each variable chosen with its value, less ln n!", "nats",
        "seeds", "any", "low", spread=0.3,
    )  # fmt: skip
    found["whole_any"] = Metric("the same without that subtraction", "nats", "seeds", "any", "low", spread=0.3)
    found["share_two"] = Metric(
        "share of the probability of both orders that the head-first one has after a search among the two", "share", "seeds", "two",
        "high", spread=0.3,
    )  # fmt: skip
    found["settled_naive"] = Metric(
        "that of the order that has more of it, where the more probable order is always followed, from the start", "share", "seeds",
        "naive", spread=0.3,
    )  # fmt: skip
    for net, words in {
        "all": "after a search among all",
        "any": "after training on random orders without a search",
    }.items():
        found[f"first_{net}"] = Metric(
            f"share of orders drawn left to right that begin with the head, {words}", "share", "seeds", net, control=net == "any",
            spread=0.15,
        )  # fmt: skip
    found["likely_all"] = Metric(
        "mean rank among a setting's own values, from 0 for the most frequent, of the one that is written first after a search among all "
        "orders; 0.45 by chance where no two are equally frequent", "share", "seeds", "all", spread=0.2,
    )  # fmt: skip
    return found


METRICS = _metrics()


def config(net: str) -> dict[str, Any]:
    """What a network is built with: of `numpy_checks.pointing` for sorting, and of `orders.chain` for stars."""
    if net in SORTS:
        return {"features": 1, "hidden": HIDDEN, **SORTS[net], "ordered": False, "reuse": True}
    return {"variables": VARIABLES, "symbols": SYMBOLS, "told": net not in WRITTEN}


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Uniform within 1 / sqrt(fan in), as PyTorch's LSTM has it by its width."""
    shapes = checks.joint_shapes(HIDDEN, VARIABLES, SYMBOLS)
    if net in SORTS:
        shapes = checks.set_shapes(1, HIDDEN, SORTS[net]["glimpse"], False)
    return {name: rng.uniform(-1, 1, shape) * HIDDEN**-0.5 for name, shape in shapes.items()}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """Of sets what is written greedily, and the logarithm of its probability; of settings log p(Y_pi) in the order given."""
    if net in SORTS:
        how = {name: config(net)[name] for name in ("steps", "glimpse", "ordered", "reuse")}
        places, log_p = search.written(params, inputs["points"], inputs["point_mask"], **how)
        return {"places": places, "log_p": log_p}
    _, log_p = orders.chain(params, inputs["values"], inputs["order"], **config(net))
    return {"log_p": orders.of_pairs(log_p, inputs["values"], inputs["order"]).sum(1)}


def drawn_orders(params: Arrays, values: Array, noise: Array) -> dict[str, Array]:
    """The orders that are drawn left to right, with this noise."""
    return {"order": orders.drawn_orders(params, values, noise, symbols=SYMBOLS)}


def sets(rng: np.random.Generator, count: int, size: int, width: int) -> dict[str, Array]:
    """Sets of `size` numbers, uniform in [0, 1], read as [-2, 2] and padded by zeros, and their elements in order."""
    numbers = rng.random((count, size))
    points = np.zeros((count, width, 1))
    points[:, :size, 0] = 4 * numbers - 2
    return {"points": points, "point_mask": np.tile(np.arange(width) < size, (count, 1)), "target": numbers.argsort(1)}


def examples(rng: np.random.Generator, net: str, count: int) -> dict[str, Array]:
    data = sets(rng, count, SIZE, SIZE)
    if net == "shuffled":  # the order of another set
        data["target"] = np.roll(data["target"], 1, 0)
    return {**data, "target_mask": np.ones_like(data["target"], bool)}


def given_orders(rng: np.random.Generator, net: str, count: int) -> Array:
    """The order in which each example is written, unless a search finds another: (example, variable)."""
    two = stars.both_orders(VARIABLES)
    if net in ("two", "naive"):
        return two[rng.integers(0, 2, count)]
    if net in ("any", "all"):
        return rng.random((count, VARIABLES)).argsort(1)
    return np.tile(two[int(net.endswith("last"))], (count, 1))


def noise(rng: np.random.Generator, net: str, count: int) -> Array:
    """What is added to logarithms so that the greatest sum is a draw; zero where the most probable is followed."""
    if net == "all":
        return rng.gumbel(size=(count, VARIABLES, VARIABLES))
    drawn = rng.gumbel(size=(count, 2))
    return drawn if net == "two" else 0 * drawn


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, factor, held_out = PROFILES[profile]
    metrics: dict[str, list[float]] = {name: [] for name in METRICS}
    losses: dict[str, list[Array]] = {}
    for s in range(seed, seed + seeds):
        for number, net in enumerate(SORTS):
            framework.progress((s - seed + 0.5 * number / len(SORTS)) / seeds, f"seed {s}, sorting, {net}")
            found = sorted_by(framework, net, s, factor * UPDATES.get(net, UPDATES["sort"]), held_out, losses)
            add(metrics, found)
        framework.progress((s - seed + 0.5) / seeds, f"seed {s}, stars")
        add(metrics, told(framework, s, factor, held_out))
        framework.progress((s - seed + 0.75) / seeds, f"seed {s}, orders")
        add(metrics, searched(framework, s, factor, held_out, losses))
    return Experiment(metrics, figures.drawn(metrics, losses))


def add(metrics: dict[str, list[float]], found: dict[str, float]) -> None:
    for name, value in found.items():
        metrics[name].append(float(value))


def rates(kind: str, updates: int) -> Array:
    return linear_decay(RATES[kind], updates, warm_up=updates // 10)


def sorted_by(
    framework: Framework, net: str, s: int, updates: int, held_out: int, losses: dict[str, list[Array]]
) -> dict[str, float]:
    rng = np.random.default_rng([8, s, list(SORTS).index("process" if net == "shuffled" else net)])
    data, order = examples(rng, net, BATCH * updates), np.arange(BATCH * updates).reshape(updates, BATCH)
    trained = framework.train(Training(net, initial(rng, net), data, order, rates("sort", updates), clip=CLIP))
    losses.setdefault(net, []).append(trained.losses)
    parts = {size: sets(rng, held_out, size, LONGER) for size in (SIZE, LONGER)}
    asked = {name: np.concatenate([part[name] for part in parts.values()]) for name in ("points", "point_mask")}
    said = np.split(framework.predict(net, trained.params, asked)["places"], 2)
    return {
        f"exact_{net}_{size}": ascending(part["points"][..., 0], places[:, :size]).mean()
        for places, (size, part) in zip(said, parts.items(), strict=True)
    }


def ascending(numbers: Array, places: Array) -> Array:
    """Whether what stands at these places ascends strictly, (example,): of as many places as elements, each is then there once."""
    result: Array = (np.diff(np.take_along_axis(numbers, places, 1), axis=1) > 0).all(1)
    return result


def told(framework: Framework, s: int, factor: int, held_out: int) -> dict[str, float]:
    """Stars whose order is told, head first and head last, from the same examples."""
    found = {}
    for number, (name, (count, peak)) in enumerate(STARS.items()):
        rng = np.random.default_rng([8, s, 20 + number])
        star = stars.star(rng, VARIABLES, SYMBOLS, peak)
        values, start = stars.sample(rng, star, count), initial(rng, f"{name}_first")
        # five hundred examples are learnt by heart where there are more updates
        updates = UPDATES["star"] * (factor if name == "large" else 1)
        order = rng.integers(0, count, (updates, BATCH))
        fresh = stars.sample(rng, star, held_out)
        entropy = -stars.log_probability(star, fresh).mean()
        for which in ("first", "last"):
            net = f"{name}_{which}"
            data = {"values": values, "order": given_orders(rng, net, count)}
            trained = framework.train(Training(net, start, data, order, rates("star", updates), clip=CLIP))
            asked = {"values": fresh, "order": given_orders(rng, net, held_out)}
            # fresh draws; of a discrete law some are examples by chance
            found[f"excess_{net}"] = -framework.predict(net, trained.params, asked, seen=True)["log_p"].mean() - entropy
    return found


def searched(
    framework: Framework, s: int, factor: int, held_out: int, losses: dict[str, list[Array]]
) -> dict[str, float]:
    """Stars whose variables are chosen with their values: in any order, and by a search."""
    rng = np.random.default_rng([8, s, 30])
    count, peak = STARS["small"]
    star = stars.star(rng, VARIABLES, SYMBOLS, peak)
    values, start = stars.sample(rng, star, count), initial(rng, "any")
    fresh, found = stars.sample(rng, star, held_out), {}
    entropy, two = -stars.log_probability(star, fresh).mean(), stars.both_orders(VARIABLES)
    for net in WRITTEN:
        draws, updates = np.random.default_rng([8, s, 40 + WRITTEN.index(net)]), factor * UPDATES[net]
        order = draws.integers(0, count, (updates, BATCH))
        # a minibatch has orders and noise of its own, so that an example is met in many orders
        data = {"values": values[order].reshape(-1, VARIABLES), "order": given_orders(draws, net, order.size)}
        settings: dict[str, Any] = {}
        if net in ("two", "naive", "all"):
            data["noise"] = noise(draws, net, order.size)
            settings["random"] = 0 if net == "naive" else int(RANDOM * updates)  # updates before the search
        place = np.arange(order.size).reshape(order.shape)
        if net in ("two", "all"):  # first updates are compared: here of a search, among two after one update by a coin
            framework.train(
                Training(net, start, data, place[:6], rates("star", 6), CLIP, {"random": int(net == "two")})
            )
        trained = framework.train(Training(net, start, data, place, rates("star", updates), CLIP, settings))
        losses.setdefault(net, []).append(trained.losses)
        found |= examined(framework, net, trained.params, fresh, two, entropy, draws)
    return found


def examined(
    framework: Framework, net: str, params: Arrays, fresh: Array, two: Array, entropy: float, rng: np.random.Generator
) -> dict[str, float]:
    def log_p(order: Array) -> Array:
        """log p(Y_pi) for orders (order, variable) of every setting: (setting, order)."""
        asked = {"values": np.repeat(fresh, len(order), 0), "order": np.tile(order, (len(fresh), 1))}
        return framework.predict(net, params, asked, seen=True)["log_p"].reshape(len(fresh), -1)

    if net in ("any", "all"):
        drawn = framework.ask("drawn_orders", params, fresh, rng.gumbel(size=(len(fresh), VARIABLES, VARIABLES)))[
            "order"
        ]
        found = {f"first_{net}": (drawn[:, 0] == 0).mean()}
        if net == "all":
            return found | {"likely_all": stars.rank_of_first(fresh, drawn).mean()}
        whole = -log_p(rng.random((ORDERS, VARIABLES)).argsort(1)).mean() - entropy
        return found | {"whole_any": whole, "excess_any": whole - lgamma(VARIABLES + 1)}
    first, last = log_p(two).T
    share = (1 / (1 + np.exp(last - first))).mean()
    return {"settled_naive": max(share, 1 - share)} if net == "naive" else {"share_two": share}
