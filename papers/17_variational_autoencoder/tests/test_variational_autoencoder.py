"""What no layer can be asked: the coder, what a decompression is, and which images are shown."""

import math

import numpy as np
import pytest

from s30.room import Paper


@pytest.fixture
def coder(room: Paper):
    return room.module("coder.py")


@pytest.mark.parametrize("seed", range(5))
def test_popping_undoes_pushing_and_pushing_undoes_popping(coder, seed: int) -> None:
    rng = np.random.default_rng(seed)
    message = coder.noise_of(256, rng)
    start, frequency = (int(n) for n in rng.integers(1, 1 << 40, 2))
    assert coder.pop(coder.push(message, start, frequency), start, frequency) == message
    unit = coder.Cells(0.3, 0.7)
    span = unit.span(unit.at(message % coder.M))
    assert coder.push(coder.pop(message, *span), *span) == message


@pytest.mark.parametrize("unit", [(0.0, 1.0), (3.0, 0.01), (-9.0, 2.0), (0.5, 40.0)])
def test_cells_divide_the_whole_and_none_is_empty(coder, unit: tuple[float, float]) -> None:
    cells = coder.Cells(*unit)
    spans = [cells.span(cell) for cell in range(coder.CELLS)]
    assert min(size for _, size in spans) >= 1
    assert sum(size for _, size in spans) == coder.M
    assert all(start + size == after for (start, size), (after, _) in zip(spans, spans[1:]))
    for cell in (0, 1, 777, coder.CELLS - 1):
        start, size = spans[cell]
        assert cells.at(start) == cell == cells.at(start + size - 1)


@pytest.mark.parametrize("logit", [-1000.0, -3.0, 0.0, 5.0, 1000.0])
def test_pixels_divide_the_whole(coder, logit: float) -> None:
    (zero, none), (one, some) = coder.pixel_span(logit, 0), coder.pixel_span(logit, 1)
    assert zero == 0
    assert one == none
    assert none + some == coder.M
    assert min(none, some) >= 1
    if abs(logit) < 10:
        assert some / coder.M == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-9)


def test_bits_of_a_long_message(coder) -> None:
    assert coder.bits(1 << 5000) == 5000
    assert coder.bits(3 << 5000) == pytest.approx(5000 + math.log2(3), abs=1e-12)


@pytest.mark.parametrize("net", ["local", "recurrent"])
def test_a_decompression_follows_the_decoder_pixel_by_pixel(room: Paper, net: str) -> None:
    task, decompress, checks = (room.module(name) for name in ("task.py", "decompress.py", "numpy_checks.py"))
    rng = np.random.default_rng(3)
    params, config = {n: v + rng.normal(0, 0.3, v.shape) for n, v in task.initial(rng, net).items()}, task.config(net)
    code, chances = rng.normal(size=(3, 8)), rng.random((3, 8, 8))
    drawn = decompress.draw(params, code, chances, config)
    # each pixel's probability given the drawn ones before it, all at once
    logits = checks.decode(params, drawn, checks.code_map(params, code[:, None], **config), **config)[:, 0]
    assert ((chances < checks.sigmoid(logits)) == drawn).all()
    assert 0 < drawn.mean() < 1


def test_agreement_of_equal_and_of_opposite_images(room: Paper) -> None:
    decompress = room.module("decompress.py")
    images = np.stack([np.zeros((2, 2)), np.ones((2, 2))])
    assert decompress.agreement(images, images) == (1.0, 0.0)
    assert decompress.agreement(images, 1 - images) == (0.0, 1.0)


def test_no_test_image_is_a_training_image(room: Paper) -> None:
    train, test = room.module("task.py").binarised()
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}
    assert set(np.unique(train)) == set(np.unique(test)) == {0.0, 1.0}
    assert len(test) > 400


def test_six_layers_of_the_paper_reach_69_pixels(room: Paper) -> None:
    reach = room.module("windows.py").reach(13, 13, 3, 6)
    assert reach[6 * 13 + 6].sum() == 69


def test_what_is_sent_costs_less_than_the_two_part_code_by_the_entropy_of_q(room: Paper) -> None:
    task, checks = room.module("task.py"), room.module("numpy_checks.py")
    params, images = task.initial(np.random.default_rng(5), "local"), task.binarised()[1][:40]
    found = task.sent(params, images, np.random.default_rng(6))
    assert found["received"] == 1
    assert found["sent_bits"] == pytest.approx(found["sent_bound"], abs=0.01)
    _, log_sigma = checks.encode(params, images)
    entropy = (log_sigma + 0.5 * math.log(2 * math.pi * math.e)).sum(1).mean() / math.log(2)
    # a unit's -log2 q has the standard deviation 1.02: over 40 images of eight units 0.46
    assert found["naive_bits"] - found["sent_bits"] == pytest.approx(entropy, abs=2)
