"""What the layers are asked beyond the checked problem, and what they may not do while they answer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from s30.errors import S30Error
from s30.layers import catalogue
from s30.layers import numpy as numpy_layer
from s30.layers.catalogue import CHECKS, EXPERIMENT, LAYERS, PARTS
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep
from s30.verdict.claims import Outcome
from s30.verdict.parity import blamed, check_paper

RETURN = '    return {"scores": scores, "hidden": hidden, "loss": np.mean((hidden - batch["targets"]) ** 2)}\n'
COUNTED = "    import itertools; n = next(forward.__dict__.setdefault('calls', itertools.count(1)))\n"
DRAW = "rng = np.random.default_rng(seed)"


def wrong(paper, evidence, kind):
    return [
        c.message for c in check_paper(paper, {"numpy": evidence}) if c.outcome is Outcome.FAILED and c.kind == kind
    ]


@pytest.fixture
def measure(make_corpus):
    """The NumPy layer's paper and evidence for the toy's room with these files."""

    corpora = []  # each in a folder of its own, since a file is executed once per process

    def run(**files):
        named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
        corpora.append(make_corpus({"01_affine": named}, name=f"corpus{len(corpora)}"))
        paper = corpora[-1].paper("01")
        return paper, numpy_layer.run(paper, lambda _: None, PARTS)

    return run


@pytest.mark.numpy
@pytest.mark.parametrize(
    ("end", "altered"),
    [
        ("batch['inputs'][0, 0] += 1e-9", ["inputs"]),
        ("params['bias'] *= 2; batch.pop('targets')", ["bias", "targets"]),
        ("batch['more'] = scores", ["more"]),
    ],
)
def test_inputs_that_a_room_writes_to_are_named_and_what_is_asked_next_gets_them_whole(measure, toy, end, altered):
    text = toy.numpy.replace(RETURN, RETURN.replace("return", "out =") + f"    {end}\n    return out\n")
    paper, evidence = measure(numpy_checks=text)
    assert evidence.facts["altered"] == altered
    assert len(wrong(paper, evidence, "conduct")) == 1
    assert not wrong(paper, evidence, "invariant")


@pytest.mark.numpy
def test_an_answer_that_is_wrong_from_the_fourth_call_on_is_noticed_at_the_end(measure, toy):
    text = toy.numpy.replace(RETURN, COUNTED + "    scores = scores if n < 4 else scores + 1e-15\n" + RETURN)
    (message,) = wrong(*measure(numpy_checks=text), "conduct")
    assert message.startswith("paper 01, layer numpy, conduct seed 0 asked again: scores: at index [")


@pytest.mark.numpy
def test_what_the_seeds_and_the_variants_change_is_on_record(measure, toy):
    _, evidence = measure()
    facts = evidence.facts
    assert facts["config"] == {"scale": ["single"]}
    assert facts["matters"] == {"scale": {"single": "hidden"}}
    assert facts["sizes"] == {
        "weight": [[3], [2]],
        "bias": [[3]],
        "inputs": [[1, 2, 4], [2]],
        "targets": [[1, 2, 4], [3]],
    }
    assert facts["alike"] == {}
    assert len({str(content) for content in facts["contents"].values()}) == 3
    _, fixed = measure(numpy_checks=toy.numpy.replace(DRAW, "rng = np.random.default_rng(7)"))
    assert len({str(content) for content in fixed.facts["contents"].values()}) == 1
    even = '"targets": np.ones((4, 3)) * rng.standard_normal(3)'
    _, alike = measure(numpy_checks=toy.numpy.replace('"targets": rng.standard_normal((4, 3))', even))
    assert alike.facts["alike"] == {"targets": [0, 1, 2]}


@pytest.mark.numpy
@pytest.mark.parametrize(
    ("forward", "effect"),
    [
        ("np.tanh(0.5 * scores)", ""),
        ("np.tanh(scale * scores)", "hidden"),
        ("np.tanh(scale * scores) if len(scores) > 1 or scale > 1 else scores[9]", "raises"),
    ],
)
def test_what_becomes_of_a_variant_when_a_key_is_put_back(measure, toy, forward, effect):
    _, evidence = measure(numpy_checks=toy.numpy.replace("np.tanh(scale * scores)", forward))
    assert evidence.facts["matters"]["scale"]["single"] == effect


REFUSAL = """

def _masked(forward, problem, rng):
    return forward(problem.params, {**problem.batch, "inputs": np.full((4, 2), np.inf)})


def invariants():
    return [Invariant("refuses", "no infinities", "eq. 1", _masked, "raises", message="must be finite")]
"""


@pytest.mark.numpy
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("raise ValueError('the inputs must be finite')", None),
        ("from s30.room import S30Error; raise S30Error('inputs must be finite')", None),
        ("raise ValueError('no')", "numpy_checks.py:17: ValueError: no', without the promised 'must be finite'"),
        ("raise KeyError('must be finite')", "KeyError: 'must be finite'"),
        ("pass", "nothing was raised, where a message with 'must be finite' is promised"),
    ],
)
def test_a_promised_refusal_is_asked_for_in_words_and_kind(measure, toy, refusal, words):
    guard = "def forward(params, batch, scale):\n    if not np.isfinite(batch['inputs']).all(): " + refusal + "\n"
    text = toy.numpy.replace("def forward(params, batch, scale):\n", guard) + REFUSAL
    with np.errstate(invalid="ignore"):
        paper, evidence = measure(numpy_checks=text)
    messages = wrong(paper, evidence, "invariant")
    assert len(messages) == (5 if words else 0)
    assert all(words in message for message in messages)


@pytest.mark.numpy
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"single"', '"si/ngle"', "variant 'si/ngle': a name is made of letters"),
        ('"single"', '"loud"', "two variants are named 'loud'"),
        ('"extreme"', '"extrem"', "variant 'loud': unknown kind 'extrem'; the kinds are shape, extreme, tie"),
        (', "tanh\'(0) = 1"', ', ""', "variant 'still': a tie, and no other variant, states its convention"),
        ("slope(still)", '{"wait": 0}', "variant 'still': it has no parameter 'wait' to be differentiated by"),
        ("slope(still)", '{"bias": np.ones(2)}', r"variant 'still': the gradient by 'bias' has shape \(2,\)"),
        ('"tie", "tanh\'(0) = 1"', '"shape", ""', "variant 'still': a gradient by hand belongs to a tie"),
        ("draw(7, 1, 2.0)", "{}", "variant 'single': its problem must be a Problem, not dict"),
        ("return [\n", "return 3, [\n", r"variants\(\) must return a list of Variants"),
        ('Problem({"scale": scale}', 'Problem({"scale": scale, "more": 1}', "differ in 'more'"),
    ],
)
def test_malformed_variants_are_refused_by_name(measure, toy, old, new, words):
    assert old in toy.variants
    with pytest.raises(S30Error, match=words):
        measure(variants=toy.variants.replace(old, new))


@pytest.mark.numpy
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('("loud",)', '("quiet",)', "oracle 'by_loops': no variant is named 'quiet'"),
        ('Oracle("by_loops"', 'Oracle("by:loops"', "oracle 'by:loops': a name is made of letters"),
        ("return [Oracle", "return [1, Oracle", r"oracles\(\) must return a list of Oracles"),
    ],
)
def test_malformed_oracles_are_refused_by_name(measure, toy, old, new, words):
    with pytest.raises(S30Error, match=words):
        measure(oracles=toy.oracles.replace(old, new))


@pytest.mark.numpy
def test_an_oracle_or_a_variant_that_raises_says_where_and_costs_itself_alone(measure, toy):
    paper, evidence = measure(oracles=toy.oracles.replace("math.tanh(", "math.tan_h("))
    (message, *others) = wrong(paper, evidence, "oracle")
    assert message.startswith("paper 01, layer numpy, oracle seed 0 by_loops: papers/01_affine/oracles.py:")
    assert len(others) == 3  # the other seeds and the variant
    text = toy.numpy.replace(RETURN, "    assert len(scores) > 1\n" + RETURN)
    paper, evidence = measure(numpy_checks=text)
    (message,) = wrong(paper, evidence, "variant")
    assert message.startswith(
        "paper 01, layer numpy, variant single: ran to its end: papers/01_affine/numpy_checks.py:"
    )


@pytest.mark.numpy
def test_outputs_are_the_frameworks_own_arrays(measure, toy):
    with pytest.raises(S30Error, match="the output 'scores' must be of the framework's own kind, ndarray, not list"):
        measure(numpy_checks=toy.numpy.replace('"scores": scores,', '"scores": scores.tolist(),'))


# What is wrong with each of these models, and the checks that must notice: kind and the beginning of the quantity.
TORCH = {
    "01_good": ("", "", set()),
    "02_fourth": (
        "        hidden = ",
        "        torch.calls = getattr(torch, 'calls', 0) + 1\n        scores = scores + (torch.calls > 3)\n        hidden = ",
        {("conduct", "seed 0 asked again: scores")},
    ),
    "03_recording": (
        "        hidden = ",
        "        scores = scores + torch.is_grad_enabled()\n        hidden = ",
        {("conduct", "seed 0 with gradients: scores")},
    ),
    "04_writes": (
        "        hidden = ",
        "        batch['targets'].mul_(2)\n        hidden = ",
        {("conduct", "inputs unchanged")},
    ),
    "05_zeros": ("torch.randn(3, 2)", "torch.zeros(3, 2)", {("start", "weight")}),
    "06_unseeded": (
        "torch.randn(3, 2)",
        "torch.tensor([[1.0, 2], [3, 5], [4, 1]])",
        {("start", "drawn by the seed")},
    ),
    "07_unreached": (
        "self.bias\n",
        "self.bias.detach()\n",
        {("start", "bias"), ("variant", "still: loss gradient bias")},
    ),
    "08_one": (
        "        hidden = ",
        "        scores = scores.squeeze()\n        hidden = ",
        {("variant", "single: scores")},
    ),
    "09_naive": (
        "torch.tanh(self.scale * scores)",
        "((2 * self.scale * scores).exp() - 1) / ((2 * self.scale * scores).exp() + 1)",
        {("variant", "loud: hidden")},
    ),
    "10_numpys": ('"loss": (', '"loss": 0 * (', {("variant", "loud: loss")}),
}


@pytest.mark.torch
def test_each_kind_of_misconduct_of_a_torch_model_is_noticed_by_the_check_for_it(make_corpus, toy):
    rooms = {}
    for name, (old, new, _) in TORCH.items():
        text = toy.torch.replace(old, new) if "bias" not in name else toy.torch
        if name in ("06_unseeded",):
            text = text.replace("torch.randn(3))", "torch.zeros(3))")
        assert old in toy.torch, name
        rooms[name] = {"torch/model.py": text}
    corpus = make_corpus(rooms)
    options = Options(corpus.root, corpus.root / "cache", workers=1, time_limit=300.0)
    results = sweep(slots_for(corpus.papers, ["torch"], False), options, lambda _: None)
    for paper, (name, (_, _, noticed)) in zip(corpus.papers, TORCH.items(), strict=True):
        evidence = results[paper.id, "torch", CHECKS]
        assert evidence.error == "", (name, evidence.error)
        checks = check_paper(paper, {"numpy": numpy_layer.run(paper, lambda _: None, PARTS), "torch": evidence})
        found = {(c.kind, c.quantity) for c in checks if c.outcome is Outcome.FAILED}
        assert noticed <= found if noticed else not found, (name, found)
        assert {layer for layer, against in blamed(checks).items() if against} == ({"torch"} if noticed else set()), (
            name
        )


@pytest.mark.torch
def test_a_torch_model_that_returns_numpys_arrays_is_refused(make_corpus, toy):
    from s30.layers.torch import TorchBackend

    text = toy.torch.replace('"scores": scores,', '"scores": scores.detach().numpy(),')
    paper = make_corpus({"01_affine": {"torch/model.py": text}}).paper("01")
    problem = paper.module("numpy_checks.py").problem()
    with pytest.raises(S30Error, match="'scores' must be of the framework's own kind, Tensor, not ndarray"):
        TorchBackend(paper).forward(problem.params, problem.batch, problem.config)


def room(**module):
    """Stands in for a paper whose model's file holds this."""
    return SimpleNamespace(module=lambda _: SimpleNamespace(**module))


PARAMS, BATCH = {"weight": np.array([1.0, -2.0])}, {"x": np.array([0.5, 3.0])}
LOSS = {"loss": PARAMS["weight"] @ BATCH["x"]}


@pytest.mark.jax
def test_jax_runs_the_room_anew_when_asked_and_replays_it_otherwise():
    from s30.layers.jax import JaxBackend

    calls = []

    def forward(params, batch):
        calls.append(1)
        return {"loss": (params["weight"] * batch["x"]).sum() + 1e-3 * (len(calls) > 1)}

    backend = JaxBackend(room(forward=forward))
    assert backend.forward(PARAMS, BATCH, {}) == backend.forward(PARAMS, BATCH, {}) == LOSS
    assert len(calls) == 1
    assert backend.anew(PARAMS, BATCH, {}) != LOSS


@pytest.mark.jax
def test_a_jax_function_that_writes_to_its_dicts_or_returns_numpys_arrays_is_noticed():
    import jax.numpy as jnp

    from s30.layers.jax import JaxBackend

    def writing(params, batch):
        batch["x"] = 2 * batch["x"]
        return {"loss": (params["weight"] * batch["x"]).sum()}

    backend = JaxBackend(room(forward=writing))
    backend.forward(PARAMS, BATCH, {})
    assert backend.altered == {"x"}
    lazy = JaxBackend(room(forward=lambda params, batch: {"loss": jnp.sum(params["weight"]), "more": np.ones(2)}))
    with pytest.raises(S30Error, match="'more' must be of the framework's own kind, Array, not ndarray"):
        lazy.forward(PARAMS, BATCH, {})


@pytest.mark.jax
def test_jax_gives_outputs_with_the_gradient_and_can_look_at_numbers_when_it_is_to_refuse_them():
    from s30.layers.jax import JaxBackend

    def forward(params, batch):
        if (batch["x"] > 2).any():
            raise ValueError("too large")
        return {"loss": (params["weight"] * batch["x"]).sum()}

    with pytest.raises(ValueError, match="too large"):
        JaxBackend(room(forward=forward)).plain(PARAMS, BATCH, {})
    plain = JaxBackend(room(forward=lambda params, batch: {"loss": (params["weight"] * batch["x"]).sum()}))
    outputs, gradient = plain.gradient(PARAMS, BATCH, {}, {})
    assert outputs == LOSS
    np.testing.assert_array_equal(gradient["weight"], BATCH["x"])


@pytest.mark.jax
def test_the_checks_compile_without_optimisation_and_experiments_with_a_little():
    """XLA reads nothing behind a word without dashes; a name that XLA does not know ends the process."""
    checks, experiment = (
        catalogue.process_flags(LAYERS["jax"], task)["XLA_FLAGS"].split() for task in (CHECKS, EXPERIMENT)
    )
    for flags in (checks, experiment):
        assert flags[-1] == "intra_op_parallelism_threads=1"
        assert all(word.startswith("--") for word in flags[:-1])
    assert "--xla_backend_optimization_level=0" in checks
    assert "--xla_backend_optimization_level=1" in experiment
    assert not [word for word in experiment if "expensive" in word]


def tinygrad_model(call, weight=lambda: None):
    from tinygrad import Tensor

    class Model:
        def __init__(self):
            self.weight = weight() or Tensor.uniform(2, 3).sum(1)

        def __call__(self, batch):
            return call(self, batch)

    return room(Model=Model)


@pytest.mark.tinygrad
def test_tinygrad_notices_what_a_model_writes_to_in_memory_and_in_its_dict():
    from s30.layers.tinygrad import TinygradBackend

    def in_memory(model, batch):
        batch["x"].assign(batch["x"] * 2)
        return {"loss": (model.weight * batch["x"]).sum()}

    def in_dict(model, batch):
        batch["x"] = batch["x"] * 2
        return {"loss": (model.weight * batch["x"]).sum()}

    for call in (in_memory, in_dict):
        backend = TinygradBackend(tinygrad_model(call))
        backend.forward(PARAMS, BATCH, {})
        assert backend.altered == {"x"}
    clean = TinygradBackend(tinygrad_model(lambda model, batch: {"loss": (model.weight * batch["x"]).sum()}))
    assert clean.forward(PARAMS, BATCH, {}) == LOSS
    assert clean.altered == set()


@pytest.mark.tinygrad
def test_tinygrad_records_in_training_mode_and_runs_the_room_anew_when_asked():
    from tinygrad import Tensor

    from s30.layers.tinygrad import TinygradBackend

    seen = []

    def call(model, batch):
        seen.append(Tensor.training)
        return {"loss": (model.weight * batch["x"]).sum()}

    backend = TinygradBackend(tinygrad_model(call))
    outputs, gradient = backend.gradient(PARAMS, BATCH, {}, {})
    assert (outputs["loss"], seen) == (LOSS["loss"], [True])
    np.testing.assert_array_equal(gradient["weight"], BATCH["x"])
    assert backend.forward(PARAMS, BATCH, {}) == backend.forward(PARAMS, BATCH, {}) == LOSS
    assert seen == [True, False]
    assert backend.anew(PARAMS, BATCH, {}) == LOSS
    assert seen == [True, False, False]


@pytest.mark.tinygrad
def test_a_new_tinygrad_model_is_drawn_by_the_seed_and_tinygrads_own_bits_come_back():
    from tinygrad import Tensor

    from s30.layers.tinygrad import TinygradBackend

    backend = TinygradBackend(tinygrad_model(None))
    one, again, other = (backend.initial({}, seed)["weight"] for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert "random_bits" not in vars(Tensor)


@pytest.mark.tinygrad
def test_a_scalar_stays_one_on_its_way_into_tinygrad():
    from s30.layers.tinygrad import TinygradBackend

    backend = TinygradBackend(tinygrad_model(lambda model, batch: {"loss": model.weight.sum() * batch["one"]}))
    backend.forward(PARAMS, {"one": np.asarray(2.0)}, {})
    assert backend.altered == set()


@pytest.mark.tinygrad
def test_a_tinygrad_model_that_returns_numpys_arrays_is_refused():
    from s30.layers.tinygrad import TinygradBackend

    backend = TinygradBackend(tinygrad_model(lambda model, batch: {"loss": np.asarray(1.0)}))
    with pytest.raises(S30Error, match="'loss' must be of the framework's own kind, Tensor, not ndarray"):
        backend.forward(PARAMS, BATCH, {})
