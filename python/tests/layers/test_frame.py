"""Every mistake that an experiment's code is known to make is seen by the frame, or by the comparison of two experiments."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from s30.corpus.vocabulary import Outcome, Training
from s30.errors import S30Error
from s30.layers.experiments import measure
from s30.layers.frame import FIRST, LATER, Frame
from s30.verdict.parity import blamed
from s30.verdict.trials import check_experiments

PREDICT = 'framework.predict("tanh", trained.params, {"inputs": rng.standard_normal((5, 2))})'
ASK = 'framework.ask("slopes", data["inputs"])'


@pytest.fixture
def measured(make_corpus, toy):
    """The toy's evidence in one framework, after edits of task.py and of experiment.py, each a pair of old and new."""
    count = iter(range(100))

    def run(layer="torch", task=(), experiment=(), profile="quick", seed=0, said=lambda _: None):
        texts = {"task.py": (toy.task, task), f"{layer}/experiment.py": (toy.experiment, experiment)}
        files = {}
        for name, (text, edits) in texts.items():
            for old, new in edits:
                assert text.count(old) == 1, f"{name} holds {text.count(old)} times {old!r}"
                text = text.replace(old, new)
            files[name] = text
        paper = make_corpus({"01_affine": files}, name=f"corpus{next(count)}").paper("01")
        return measure(paper, layer, nullcontext, profile, seed, said)

    return run


@pytest.fixture
def failed(measured, paper):
    """The checks that fail when PyTorch's side is edited and JAX's is true; what both are given comes with them."""

    def run(experiment=(), task=(), jax_task=None, **settings):
        evidences = {
            "torch": measured("torch", task, experiment, **settings),
            "jax": measured("jax", task if jax_task is None else jax_task, **settings),
        }
        return [c for c in check_experiments(paper, evidences) if c.outcome is Outcome.FAILED]

    return run


def test_what_is_true_passes_and_says_what_was_compared(measured, failed, paper):
    assert failed() == []
    found = check_experiments(paper, {layer: measured(layer) for layer in ("torch", "jax")})
    assert sorted(c.quantity for c in found if c.layers == ("torch", "numpy")) == ["predict tanh"]
    stored = {
        "losses": FIRST + LATER,
        "parameter weight": 6,
        "parameter bias": 3,
        "after 3 weight": 6,
        "after 3 bias": 3,
    }
    pairs = {c.quantity: c.compared for c in found if c.layers == ("torch", "jax")}
    assert pairs == {
        "questions": 3,
        **{f"updates tanh{clipped} {what}": count for clipped in ("", ", clipped") for what, count in stored.items()},
        "ask slopes 1": 24,
        "metric accuracy": 1,
        "metric chance": 1,
    }


def test_the_numbers_of_updates_and_of_examples_are_on_record(measured):
    assert measured().facts["trainings"] == [{"net": "tanh", "updates": 20, "examples": 80}]


# --- what tells one framework from the other ---


@pytest.mark.parametrize(
    ("mistake", "quantity"),
    [
        pytest.param(("2 * (hidden - targets)", "3 * (hidden - targets)"), "updates tanh parameter", id="another loss"),
        pytest.param(
            ("np.mean((hidden - targets) ** 2)", "np.sum((hidden - targets) ** 2)"), "updates tanh losses", id="a sum"
        ),
        pytest.param(
            ("training.clip / norm", "training.clip / norm**2"), "updates tanh, clipped parameter", id="another norm"
        ),
        pytest.param(
            ("zip(training.order,", "zip(training.order[::-1],"), "updates tanh losses", id="other minibatches"
        ),
        pytest.param(
            (", training.rates)", ", training.rates[:1].repeat(20))"), "updates tanh losses", id="no schedule"
        ),
        pytest.param(
            ("kept[len(losses)] = params", "kept[len(losses)] = {**params, 'bias': training.start['bias']}"),
            "updates tanh after 3 bias",
            id="kept in part",
        ),
        pytest.param(
            (
                "kept[len(losses)] = params",
                "kept[len(losses)] = params; params = {**params, 'bias': training.start['bias']}",
            ),
            "updates tanh parameter",
            id="a state that is lost where parameters are kept",
        ),
        pytest.param(
            ('"bias": upstream.sum(0)', '"bias": 0 * upstream.sum(0)'),
            "updates tanh parameter bias",
            id="no bias trained",
        ),
        pytest.param(
            ("rate * scale * grad", "rate * scale * grad * (len(losses) % 8 > 0)"),
            "updates tanh parameter",
            id="every eighth update left out",
        ),
        pytest.param(
            ("rate * scale * grad", "(rate if len(losses) <= 6 else training.rates[0]) * scale * grad"),
            "updates tanh parameter",
            id="another rate from the seventh update on",
        ),
        pytest.param(("1 - np.tanh(inputs) ** 2", "1 - np.tanh(inputs)"), "ask slopes", id="another answer"),
    ],
)
def test_a_mistake_in_one_framework_is_seen(failed, mistake, quantity):
    found = failed([mistake])
    assert any(check.quantity.startswith(quantity) for check in found), found
    assert all(check.message.startswith("paper 01, layer torch against jax, experiment ") for check in found)
    assert {name for name, against in blamed(found).items() if against} == {"torch", "jax"}


def test_only_a_room_s_first_training_is_followed_beyond_its_first_updates(measured):
    again = (
        "trained = framework.train(Training(",
        'framework.train(Training("other", start, data, order, linear_decay(0.1, 20)))\n    trained = framework.train(Training(',
    )
    clipless = ("scale = min(1.0, training.clip / norm)", "scale = min(1.0, (training.clip or 1e30) / norm)")
    arrays = measured(task=[again], experiment=[clipless]).arrays
    counts = {name.split("/")[1]: len(value) for name, value in arrays.items() if name.endswith("/losses")}
    assert counts == {"other": FIRST + LATER, "tanh": FIRST, "tanh, clipped": FIRST}


def test_a_prediction_is_held_against_numpy_which_says_who_is_wrong(failed):
    wrong = ('["inputs"] @ params["weight"].T', '["inputs"] @ -params["weight"].T')
    found = failed(
        [wrong],
        task=[('chance": 0.1', 'chance": float(predicted.sum())'), (PREDICT, f'predicted = {PREDICT}["hidden"]')],
    )
    assert {check.quantity for check in found} == {"predict tanh", "metric chance"}
    message = next(check.message for check in found if check.quantity == "predict tanh")
    assert message.startswith("paper 01, layer torch against numpy, experiment predict tanh: hidden: at index [")
    assert {name for name, against in blamed(found).items() if against} == {"torch"}


def test_a_reference_that_both_frameworks_contradict_is_blamed_too(failed):
    found = failed(task=[('return {"hidden": np.tanh(', 'return {"hidden": 2 * np.tanh(')])
    assert [check.quantity for check in found] == ["predict tanh", "predict tanh"]
    assert {name for name, against in blamed(found).items() if against} == {"numpy", "torch", "jax"}


def test_an_output_that_is_missing_or_too_many_fails(failed):
    extra = (
        '    return {"hidden": np.tanh(inputs["inputs"]',
        '    return {"more": params["bias"], "hidden": np.tanh(inputs["inputs"]',
    )
    (check,) = failed([extra])
    assert "more: missing from task.py" in check.message


def test_an_answer_has_a_reference_where_task_gives_one(failed):
    """A query that is its own nearest neighbour: the other framework may make the same mistake, the reference does not."""
    reference = """def nearest(points):
    distance = ((points[:, None] - points) ** 2).sum(2)
    np.fill_diagonal(distance, np.inf)
    return distance.argmin(1)


def run("""
    true = ("def slopes(", reference.replace("def run(", "def slopes("))
    own = ("def slopes(", true[1].replace("    np.fill_diagonal(distance, np.inf)\n", ""))
    task = [("def run(", reference), (ASK, 'framework.ask("nearest", data["inputs"])')]
    found = [c for c in failed([own], task, jax_task=[]) if c.kind == "experiment" and c.quantity == "ask nearest"]
    assert found[0].layers == ("torch", "numpy")
    assert "at index [0]: 0 against " in found[0].message
    assert not [c for c in failed([true], task, jax_task=[]) if c.quantity == "ask nearest"]


def test_both_frameworks_are_asked_the_same(failed):
    (check,) = failed(task=[], jax_task=[("order = rng.integers(12, ", "order = rng.integers(11, ")])[:1]
    assert check.quantity == "questions"
    assert "question 1: train tanh: its order is " in check.message
    (check,) = failed(jax_task=[(ASK, "")])[:1]
    assert "question 3: torch is asked to ask slopes, jax no more" in check.message


@pytest.mark.parametrize(("spread", "fails"), [("0.0", True), ("0.04", True), ("0.06", False), ("1.0", False)])
def test_metrics_of_two_frameworks_agree_within_their_spread(failed, spread, fails):
    task = [('"tanh", "high")', f'"tanh", "high", spread={spread})')]
    found = failed(task=task, jax_task=[*task, ("[0.94, 0.96]", "[0.99, 1.01]")])
    assert [check.quantity for check in found] == ["metric accuracy"] * fails


def test_a_spread_that_cannot_be_missed_makes_no_check(measured, paper):
    task = [('"tanh", "high")', '"tanh", "high", spread=1.0)')]
    found = check_experiments(paper, {layer: measured(layer, task) for layer in ("torch", "jax")})
    assert [check.name for check in found if check.name.startswith("metric")] == ["metric chance"]


# --- what the frame refuses ---


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ([(PREDICT, PREDICT.replace("rng.standard_normal((5, 2))", 'data["inputs"][:5]'))], "5 of 5 inputs are examples"),
        ([(PREDICT, PREDICT.replace("rng.standard_normal((5, 2))", 'data["inputs"][:5].astype("f4")'))], "5 of 5 inputs"),
        ([(PREDICT, PREDICT.replace("trained.params", "trained.kept[10]").replace("rng.standard_normal((5, 2))", 'data["inputs"]'))], "12 of 12"),
        ([(PREDICT, PREDICT.replace("trained.params", "{n: p * 2 for n, p in trained.params.items()}").replace("rng.standard_normal((5, 2))", 'data["inputs"]'))], "12 of 12"),
        ([('"inputs": rng.standard_normal((12, 2)), "targets"', '"given": rng.standard_normal((12, 2)), "targets"'), (ASK, "")], "share no name"),
        ([('"chance": 0.1}', '"chance": 0.1, "more": 1}')], "METRICS of task.py does not say what 'more' is"),
        ([(', "chance": 0.1}', "}")], "METRICS of task.py holds 'chance', which was not measured"),
        ([('"chance": 0.1}', '"chance": [0.1, 0.2]}')], "says that 'chance' is one number: it has 2 values"),
        ([('"chance": 0.1}', '"chance": float("nan")}')], "the metric 'chance' is not finite"),
        ([("Experiment({", "dict({")], "task.run must return an Experiment, not dict"),
        ([("linear_decay(0.1, 20)", "linear_decay(0.1, 19)")], r"rates of shape \(19,\) for 20 updates"),
        ([("rng.integers(12, size", "rng.integers(12, 14, size")], "the order asks for example 13 of 12"),
        ([("keep=(10, 20)", "keep=(10, 21)")], "kept after 21 of 20 updates"),
        ([('"targets": rng.standard_normal((12', '"targets": rng.standard_normal((13')], r"the data hold \[12, 13\] examples"),
    ],
)  # fmt: skip
def test_a_task_that_breaks_its_contract_is_refused(measured, task, words):
    experiment = [('("inputs", "targets")', '("given", "targets")')] if "given" in str(task) else []
    with pytest.raises(S30Error, match=words):
        measured(task=task, experiment=experiment)


def test_examples_may_be_predicted_when_that_is_said_and_it_is_on_record(measured):
    seen = PREDICT.replace("rng.standard_normal((5, 2))}", 'data["inputs"]}, seen=True')
    facts = measured(task=[(PREDICT, seen)]).facts
    kind, arguments = facts["questions"][1]
    assert (kind, arguments["params"], arguments["seen"]) == ("predict tanh", "!training 1 at its end", "True")


def test_a_net_that_goes_on_from_another_has_seen_its_examples(measured):
    """Fine-tuning on new examples does not make the old ones unseen."""
    more = """{"inputs": rng.standard_normal((12, 2)), "targets": data["targets"]}
    trained = framework.train(Training("other", trained.params, more, order, linear_decay(0.1, 20), clip=0.5))
    framework.predict("other", trained.params, {"inputs": INPUTS})"""
    edit = (PREDICT, "more = " + more.replace("INPUTS", "rng.standard_normal((5, 2))"))
    assert measured(task=[edit]).outcome is Outcome.PASSED
    with pytest.raises(S30Error, match=r"predict other: 5 of 5 inputs are examples .* \(question 1\)"):
        measured(task=[(PREDICT, "more = " + more.replace("INPUTS", 'data["inputs"][:5]'))])


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        (("return Trained(params, losses, kept)", "return Trained(training.start, losses, kept)"), "tanh was not trained"),
        (("return Trained(params, losses, kept)", "return params"), "train must return a Trained, not dict"),
        (("Trained(params,", "Trained({**params, 'weight': params['weight'].T},"), r"weight has shape \(2, 3\), its start \(3, 2\)"),
        (("Trained(params,", "Trained({'weight': params['weight']},"), "bias is missing from its parameters"),
        (("Trained(params,", "Trained({n: p * np.nan for n, p in params.items()},"), "bias holds a NaN"),
        (("Trained(params,", "Trained({n: p.astype('f4') for n, p in params.items()},"), "float32, but float64 was handed over"),
        (("losses.append(np.mean(", "losses.append(np.log(-1.0) + np.mean("), "the loss of a minibatch is nan"),
        (("kept[len(losses)] = params", "kept[len(losses)] = dict(training.start)"), "after 10 and after 20 updates are the same"),
        (("kept[len(losses)] = params", "pass"), r"kept after \[\] updates, asked for \[3\]"),
        (("Trained(params, losses,", "Trained(params, losses[:12],"), "12 of 18 updates, but its settings name no `stop`"),
        (("* scale * grad", "* grad"), "a limit of .* to the gradient's norm changes nothing"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_an_experiment_that_breaks_its_contract_is_refused(measured, experiment, words):
    with pytest.raises(S30Error, match=words):
        measured(experiment=[experiment])


def test_training_may_stop_early_where_its_settings_say_when(measured):
    task = [("clip=0.5", 'clip=0.5, settings={"stop": 12}')]
    stopped = (
        "if len(losses) in training.keep:",
        "if len(losses) == training.settings['stop']:\n            break\n        if len(losses) in training.keep:",
    )
    facts = measured(task=task, experiment=[stopped]).facts
    assert facts["trainings"] == [{"net": "tanh", "updates": 12, "examples": 48}]
    with pytest.raises(S30Error, match="tanh stops after 4 updates, but its first 6 are to be compared"):
        measured(task=[(task[0][0], task[0][1].replace("12", "4"))], experiment=[stopped])


def test_a_framework_cannot_alter_the_data_of_the_task(measured):
    spoilt = (
        "    for index, rate",
        "    for value in (training.data['targets'], training.order):\n        value[:] = 0\n    for index, rate",
    )
    true, found = measured().facts, measured(experiment=[spoilt]).facts
    assert found["questions"] == true["questions"]


def test_an_answer_that_rests_on_what_was_trained_needs_a_reference(measured):
    learnt = (ASK, 'framework.ask("slopes", trained.params["weight"])')
    with pytest.raises(S30Error, match="nothing holds the answers of slopes"):
        measured(task=[learnt])
    reference = ("def run(", "def slopes(inputs):\n    return 1 - np.tanh(inputs) ** 2\n\n\ndef run(")
    assert "ask slopes" in measured(task=[learnt, reference]).facts["compared"]
    both = (ASK, f'{ASK}\n    framework.ask("slopes", trained.params["weight"])')
    assert list(measured(task=[both]).arrays)[-1] == "asked/slopes/1/"  # the code is held by what both are asked alike


def test_an_experiment_that_asks_nothing_is_none(measured):
    with pytest.raises(S30Error, match="asked nothing of its framework"):
        measured(task=[(PREDICT, ""), (ASK, ""), ("framework.train(Training(", "(Training(")])


# --- a trial ---


def test_a_trial_is_the_first_updates_alone_and_judges_no_metric(measured, failed):
    facts = measured(profile="trial").facts
    assert facts["trainings"] == [{"net": "tanh", "updates": FIRST + LATER, "examples": 4 * (FIRST + LATER)}]
    assert (facts["metrics"], facts["described"], facts["figures"]) == ({}, {}, {})
    assert failed(profile="trial") == []
    mistake = ("2 * (hidden - targets)", "3 * (hidden - targets)")
    assert "updates tanh losses" in [c.quantity for c in failed([mistake], profile="trial")]


def test_a_trial_looks_to_the_task_like_a_whole_training(measured):
    looks = (ASK, "assert len(trained.losses) == 20 and set(trained.kept) == {10, 20}")
    assert measured(task=[looks], profile="trial").outcome is Outcome.PASSED


def test_what_is_held_in_a_question_can_be_told():
    frame = Frame("torch", None, None, nullcontext, False, lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(S30Error, match="a question holds object"):
        frame.ask("it", [object()])
    with pytest.raises(S30Error, match="a start is floating-point arrays"):
        frame.train(Training("net", {"w": np.zeros(1, int)}, {"x": np.zeros(1)}, np.zeros((1, 1), int), np.zeros(1)))
