"""TODO: checks that this paper earns beyond what the engine asks."""

from s30.room import Paper


def test_the_object_is_the_papers_own(room: Paper) -> None:
    """Fails until the template's affine map is replaced."""
    assert "TODO" not in (room.folder / "numpy_checks.py").read_text(encoding="utf-8")
