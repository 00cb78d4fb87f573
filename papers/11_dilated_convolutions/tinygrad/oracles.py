r"""What tinygrad's modules draw as their own start, against equation 5 (paper 11)."""

from tinygrad import Tensor, nn

from s30.room import Array, Forward, Oracle, Problem, sibling

model = sibling(__file__, "model.py")
checks = sibling(__file__, "../numpy_checks.py")


def start(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    Tensor.manual_seed(11)
    state = nn.state.get_state_dict(model.Model(**problem.config))
    return checks.start_sides({name: value.numpy() for name, value in state.items()}, problem.config, model.NOISE)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "start", "a new module passes on the maps of each group by C / c_{i+1}, and all else is noise of a tenth of that",
            "equation 5 in NumPy: numpy_checks.identity_start", start, ("large",),
        )
    ]  # fmt: skip
