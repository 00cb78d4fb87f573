"""The one repair that the engine makes to tinygrad, and the adaptor's own refusals."""

from __future__ import annotations

import numpy as np
import pytest

from s30.errors import S30Error
from s30.layers import catalogue

pytestmark = pytest.mark.tinygrad

CONSTANTS = (1e-05, 1e-08, -1e30, 5e-324, 0.5, 3.0)


@pytest.fixture
def original_lconst():
    """tinygrad's own rendering of constants, put back as the engine mended it afterwards."""
    import tinygrad.renderer.llvmir as llvmir

    from s30.layers import tinygrad as layer

    layer.mend_constants()
    mended = llvmir.lconst
    yield mended.original, mended
    llvmir.lconst = mended


def test_mended_constants_render_as_llvm_reads_them(original_lconst) -> None:
    from tinygrad import dtypes

    _, mended = original_lconst
    for value in CONSTANTS:
        text = str(mended(value, dtypes.float64))
        assert "." in text or text.startswith("0x"), f"{value!r} renders as {text}, which LLVM takes for an integer"


@pytest.mark.parametrize("value", CONSTANTS)
def test_constant_survives_a_kernel(value: float) -> None:
    from tinygrad import Tensor

    from s30.layers import tinygrad as layer

    layer.mend_constants()
    inputs = np.array([1.0, 2.0, 4.0])
    assert np.array_equal((Tensor(inputs) * value).numpy(), inputs * value)


def test_upstream_still_needs_the_repair(original_lconst) -> None:
    """Fails on the day tinygrad renders 1e-05 itself: then `mend_constants` can go."""
    import tinygrad.renderer.llvmir as llvmir
    from tinygrad import Tensor

    llvmir.lconst = original_lconst[0]
    with pytest.raises(RuntimeError, match="integer constant must have integer type"):
        (Tensor(np.array([1.0, 7.0, 3.0, 5.0])) * 1e-05 + 2.5).numpy()


def test_layernorm_matches_numpy() -> None:
    """tinygrad's own layer norm has eps = 1e-05 inside: it does not compile without the repair."""
    from tinygrad import Tensor

    from s30.layers import tinygrad as layer

    layer.mend_constants()
    x = np.random.default_rng(0).normal(size=(3, 7))
    expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(Tensor(x).layernorm(eps=1e-5).numpy(), expected, rtol=1e-12, atol=1e-13)


class _Room:
    """Stands in for a paper whose model has one parameter `weight` of shape (2,)."""

    def module(self, _: str):
        from types import SimpleNamespace

        from tinygrad import Tensor

        class Model:
            def __init__(self) -> None:
                self.weight = Tensor.zeros(2)

            def __call__(self, batch):
                return {"loss": (self.weight * batch["x"]).sum()}

        return SimpleNamespace(Model=Model)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"bias": np.zeros(2)}, "missing"),
        ({"weight": np.zeros(3)}, "has shape"),
        ({"weight": np.zeros(2), "b": np.zeros(1)}, "missing"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params, message) -> None:
    from s30.layers.tinygrad import TinygradBackend

    with pytest.raises(S30Error, match=message):
        TinygradBackend(_Room()).forward(params, {"x": np.ones(2)}, {})


def test_captured_kernels_follow_new_inputs() -> None:
    """The third call replays what the first two captured; it must compute from its own arrays."""
    from s30.layers.tinygrad import TinygradBackend

    backend = TinygradBackend(_Room())
    for call in range(5):
        weight, x = np.array([1.0, call]), np.array([call + 0.5, 2.0])
        assert backend.forward({"weight": weight}, {"x": x}, {})["loss"] == pytest.approx(weight @ x, rel=1e-15)


def test_every_flag_of_tinygrad_either_changes_a_key_or_no_number() -> None:
    """A flag that a new tinygrad brings has to be judged: it belongs into layers.TINYGRAD_VARIABLES or here."""
    from tinygrad import helpers

    silent = {
        *("ALLOW_DEVICE_USAGE", "CAPTURE_PROCESS_REPLAY", "CAPTURING", "CCACHE", "CHECK_OOB", "DEBUG", "DEBUG_GC"),
        *("DEBUG_RANGEIFY", "IGNORE_BEAM_CACHE", "LRU", "MAX_BUFFER_SIZE", "NO_COLOR", "NO_MEMORY_PLANNER", "VIZ"),
        *("NULL_ALLOW_COPYOUT", "PROFILE", "REWRITE_STACK_LIMIT", "SCACHE", "SPEC", "TRACEMETA", "TRACK_MATCH_STATS"),
        "VALIDATE_WITH_CPU",
    }
    known = {*catalogue.TINYGRAD_VARIABLES, *catalogue.LAYERS["tinygrad"].flags, *silent}
    families = tuple(name for name in known if name.endswith("_"))
    flags = {flag for flag in helpers.ContextVar._cache if flag not in known and not flag.startswith(families)}
    assert not flags
