"""The Transformer's definitions in Agda, run: the attention weights of the checked problem from the queries and keys that NumPy
computed, and whole stacks, norms and feed-forward nets included, each on the sentence that fills its length."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")


def steps(problem: Problem) -> Arrays:
    return checks.trace(problem.params, problem.batch, **problem.config)[1]


def scale(query: Array) -> str:
    return literal(float(query.shape[-1] ** -0.5))


def positions(query: Array, key: Array, value: Array) -> str:
    """Queries, keys and values (position, feature) of one head; parentheses around all of it."""
    return f"(positions {literal(query)} {literal(key)} {literal(value)})"


def encoder_weights(problem: Problem) -> str:
    """(batch, layer, head, query, key): a list of lists of rows, each head by itself."""
    found, mask = steps(problem), problem.batch["source_mask"]
    length = mask.shape[1]

    def head(n: int, b: int, h: int) -> str:
        query, key = (found[f"encoder.{n}.attention.{part}"][b, h] for part in ("query", "key"))
        real = mask[b].sum()
        rows = (positions(query[at], key[at], np.eye(length)[at]) for at in (slice(real), slice(real, None)))
        return f"Weights.encoderRows {length} {scale(query)} {' '.join(rows)}"

    return _nested(problem, len(mask), head)


def full(problem: Problem, side: str = "target") -> int:
    """The example whose target, or source, has no padding."""
    return int(problem.batch[f"{side}_mask"].sum(1).argmax())


def decoder_weights(problem: Problem) -> str:
    """(1, layer, head, query, key) of the example whose target has no padding."""
    found, length = steps(problem), problem.batch["target_mask"].shape[1]

    def head(n: int, b: int, h: int) -> str:
        query, key = (found[f"decoder.{n}.self_attention.{part}"][full(problem), h] for part in ("query", "key"))
        return f"Weights.decoderRows {length} {scale(query)} {positions(query, key, np.eye(length))}"

    return _nested(problem, 1, head)


def _nested(problem: Problem, batch: int, head) -> str:
    """The term of head(layer, example, head) for all of them."""
    layers, heads = range(problem.config["layers"]), range(problem.config["heads"])
    return _list(_list(_list(head(n, b, h) for h in heads) for n in layers) for b in range(batch))


def _list(terms) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def mixed(problem: Problem) -> str:
    """The first head of the first encoder layer, of a sentence without padding: attention to its own values."""
    query, key, value = (steps(problem)[f"encoder.0.attention.{part}"][0, 0] for part in ("query", "key", "value"))
    return f"Weights.plainRows {value.shape[-1]} {scale(query)} {positions(query, key, value)}"


def mixed_expected(problem: Problem, found: Arrays) -> Array:
    return found["encoder_attention"][0, 0, 0] @ steps(problem)["encoder.0.attention.value"][0, 0]


def arguments(problem: Problem) -> str:
    heads = problem.config["heads"]
    width = problem.config["d_model"] // heads
    return f"{heads} {width} {literal(float(width**-0.5))}"


def block(problem: Problem, name: str) -> str:
    parts = [f"{name}.{part}.weight" for part in ("query", "key", "value", "output")]
    constructor = "projections"
    if name.endswith("feed_forward"):
        constructor, parts = (
            "inner",
            [f"{name}.{part}" for part in ("inner.weight", "inner.bias", "outer.weight", "outer.bias")],
        )
    norm = [f"{name}_norm.{part}" for part in ("weight", "bias")]
    return f"({constructor} {' '.join(literal(problem.params[part]) for part in (*parts, *norm))})"


def stack(problem: Problem, name: str, *blocks: str) -> str:
    """The layers of a stack as a list of nested pairs."""
    layers = range(problem.config["layers"])
    return _list(
        "(" + ", (".join(block(problem, f"{name}.{n}.{part}") for part in blocks) + ")" * len(blocks) for n in layers
    )


def embedded(problem: Problem, tokens: Array, positions: bool) -> str:
    return literal(checks.embed(problem.params, tokens[None], positions)[0])


def memory(problem: Problem) -> str:
    layers = stack(problem, "encoder", "attention", "feed_forward")
    tokens = problem.batch["source"][full(problem, "source")]
    source = embedded(problem, tokens, problem.config["encoder_positions"])
    return f"Stacks.memory {arguments(problem)} {layers} {source} ∷ []"


def logits(problem: Problem) -> str:
    """Padding is no part of the set that cross-attention reads."""
    row = full(problem)
    memory = checks.forward(problem.params, problem.batch, **problem.config)["memory"][row]
    found = memory[problem.batch["source_mask"][row]]
    layers = stack(problem, "decoder", "self_attention", "cross_attention", "feed_forward")
    target = embedded(problem, problem.batch["target_input"][row], problem.config["decoder_positions"])
    table = literal(problem.params["embedding.weight"])
    return f"map (apply {table}) (Stacks.decoded {arguments(problem)} {literal(found)} {layers} {target}) ∷ []"


def evaluations() -> list[Evaluation]:
    attention = ["Transformer-Attention.attend"]
    shared = [*attention, "Transformer-Stack.sublayer", "Transformer-Causal.residual"]
    heads = ["Transformer-Heads.splitHeads", "Transformer-Heads.joinHeads", "Transformer-Heads.perHead"]
    tokens = [
        f"Transformer-SelfAttention.{name}"
        for name in ("show", "hide", "keyValue", "maskedSelfAttention", "selfAttention")
    ]
    return [
        Evaluation(
            "encoder_attention", [*attention, *tokens[:2]], "Transformer-Run", encoder_weights,
            lambda problem, found: found["encoder_attention"],
        ),
        Evaluation(
            "decoder_attention", [tokens[3]], "Transformer-Run", decoder_weights,
            lambda problem, found: found["decoder_attention"][full(problem)][None],
        ),
        Evaluation("mixed", [tokens[2], tokens[4]], "Transformer-Run", mixed, mixed_expected, on=("one_pair",)),
        Evaluation(
            "memory", ["Transformer-Stack.encoder", "Transformer-Setwise.setwise", *shared, *heads], "Transformer-Run", memory,
            lambda problem, found: found["memory"][full(problem, "source")][None],
        ),
        Evaluation(
            "logits", ["Transformer-Stack.decoder", "Transformer-Causal.causal", "Transformer-Causal.prefixes", *shared, *heads],
            "Transformer-Run", logits, lambda problem, found: found["logits"][full(problem)][None],
        ),
    ]  # fmt: skip
