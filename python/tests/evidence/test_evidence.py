"""An entry of evidence is whole or absent: what is damaged is noticed, and nothing is left half-written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error
from s30.evidence import store
from s30.evidence.store import DamagedEntryError, Evidence, UnfitEvidenceError, write_atomically
from s30.layers.catalogue import ENGINE

KEY = "0" * 64
ARRAYS = {
    "seed0/output/loss": np.asarray(0.25),
    "seed0/output/a|b": np.arange(6.0).reshape(2, 3),
    "seed0/output/mask": np.array([True, False]),
    "seed0/output/empty": np.zeros((0, 2)),
    "seed0/output/labels": np.array([3, 1], dtype=np.int32),
    "file": np.ones(2, dtype=np.float32),
    "seed0/output/Δ": np.array([np.nan, -0.0]),
}
WHOLE = Evidence(
    "01", "torch", ARRAYS, {"metrics": {"acc": [0.1, 1e-300]}, "π": "«é»"}, {"seconds": 1.5}, "", Outcome.PASSED
)


def test_round_trip_keeps_every_byte(tmp_path):
    store.save(WHOLE, tmp_path, KEY)
    found = store.load(tmp_path, KEY)
    assert found.digest == WHOLE.digest
    assert found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)
        assert found.arrays[name].tobytes() == array.tobytes()
    assert (found.facts, found.run, found.outcome) == (WHOLE.facts, WHOLE.run, Outcome.PASSED)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{KEY}.json", f"{KEY}.npz"]


def test_failures_round_trip_too(tmp_path):
    store.save(Evidence("01", "jax", error="model.py:3: boom «ü»", outcome=Outcome.FAILED), tmp_path, KEY)
    found = store.load(tmp_path, KEY)
    assert (found.error, found.outcome, dict(found.arrays)) == ("model.py:3: boom «ü»", Outcome.FAILED, {})


def test_an_absent_entry_is_none(tmp_path):
    assert store.load(tmp_path, KEY) is None
    assert store.load(tmp_path / "nowhere", KEY) is None


def test_a_group_holds_what_stands_under_a_prefix():
    found = Evidence(
        "01", "torch", {"seed1/output/a": 1, "seed1/output/b/c": 2, "seed10/output/a": 3, "seed1/outputs": 4}
    ).group("seed1/output")
    assert found == {"a": 1, "b/c": 2}


def test_the_digest_depends_on_results_and_on_nothing_else():
    base = Evidence("01", "torch", {"a": np.arange(6.0), "b": np.ones(2)}, {"x": 1, "y": 2}, {"seconds": 1})
    same = Evidence("01", "torch", {"b": np.ones(2), "a": np.arange(12.0)[::2] / 2}, {"y": 2, "x": 1}, {"seconds": 9})
    assert base.digest == same.digest


@pytest.mark.parametrize(
    ("arrays", "facts", "error"),
    [
        ({"a": np.arange(6.0).reshape(2, 3)}, {"x": 1}, ""),
        ({"a": np.arange(6.0).reshape(3, 2).copy()}, {"x": 1}, ""),
        ({"b": np.arange(6.0)}, {"x": 1}, ""),
        ({"a": np.arange(6)}, {"x": 1}, ""),
        ({"a": np.nextafter(np.arange(6.0), 9)}, {"x": 1}, ""),
        ({"a": np.arange(6.0)}, {"x": 2}, ""),
        ({"a": np.arange(6.0)}, {"x": 1}, "boom"),
        ({}, {"x": 1}, ""),
    ],
)
def test_the_digest_changes_with_name_shape_dtype_value_fact_and_error(arrays, facts, error):
    assert (
        Evidence("01", "torch", arrays, facts, error=error).digest
        != Evidence("01", "torch", {"a": np.arange(6.0)}, {"x": 1}).digest
    )


@pytest.fixture
def entry(tmp_path) -> Path:
    store.save(WHOLE, tmp_path, KEY)
    return tmp_path / KEY


def damage(entry: Path) -> str:
    with pytest.raises(DamagedEntryError) as caught:
        store.load(entry.parent, KEY)
    message = str(caught.value)
    assert f"{entry}.json" in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_truncated_file_is_damage(entry, suffix, share):
    path = entry.with_suffix(suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    damage(entry)


def test_no_flipped_byte_of_the_arrays_is_taken_for_the_truth(entry):
    """Bytes that mean nothing (a date inside the archive) may be read over; all others must be noticed, whatever they break."""
    path = entry.with_suffix(".npz")
    content = path.read_bytes()
    noticed = 0
    for position in range(0, len(content), 5):
        flipped = bytearray(content)
        flipped[position] ^= 0xFF
        path.write_bytes(flipped)
        try:
            assert store.load(entry.parent, KEY).digest == WHOLE.digest
        except DamagedEntryError:
            noticed += 1
    assert noticed > len(content) / 5 / 2


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", '"x"', "{}", "\x00\xff", "[" * 100_000, '{"version": 1}'],
    ids=["empty", "open", "null", "list", "text", "bare", "binary", "deep", "old"],
)
def test_garbage_instead_of_json_is_damage(entry, text):
    entry.with_suffix(".json").write_bytes(text.encode("latin-1"))
    damage(entry)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "failed"),
        ("outcome", "great"),
        ("error", "boom"),
        ("facts", {}),
        ("digest", "0" * 64),
        ("key", "1" * 64),
        ("version", 99),
        ("facts", None),
        ("outcome", []),
    ],
)
def test_an_edited_field_is_damage(entry, field, value):
    path = entry.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    damage(entry)


def test_json_without_its_arrays_is_damage(entry):
    entry.with_suffix(".npz").unlink()
    damage(entry)


def test_arrays_of_another_entry_are_damage(entry, tmp_path):
    other = "f" * 64
    store.save(Evidence("01", "torch", {**ARRAYS, "seed0/output/loss": np.asarray(0.5)}, WHOLE.facts), tmp_path, other)
    os.replace(tmp_path / f"{other}.npz", entry.with_suffix(".npz"))
    assert "digest does not match" in damage(entry)


def test_an_entry_under_another_key_is_damage(entry, tmp_path):
    other = "f" * 64
    for suffix in (".npz", ".json"):
        os.rename(entry.with_suffix(suffix), tmp_path / f"{other}{suffix}")
    with pytest.raises(DamagedEntryError):
        store.load(tmp_path, other)


def test_arrays_without_json_are_no_entry(entry):
    entry.with_suffix(".json").unlink()
    assert store.load(entry.parent, KEY) is None


@pytest.mark.parametrize(
    "edit",
    [
        lambda index: index.popitem(),
        lambda index: index.update(another=["<f8", [1]]),
        lambda index: index.update(another=["<f8", []]),
        lambda index: index.update({name: [dtype, shape[::-1]] for name, (dtype, shape) in index.items()}),
        lambda index: index.update({name: ["<f4", shape] for name, (_, shape) in index.items()}),
    ],
)
def test_an_edited_index_is_damage(entry, edit):
    path = entry.with_suffix(".json")
    document = json.loads(path.read_text())
    edit(document["arrays"])
    path.write_text(json.dumps(document))
    damage(entry)


def test_pickled_objects_are_never_loaded(entry, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    np.savez(entry.with_suffix(".npz"), **{"=<f8": np.array([Bomb()], dtype=object)})
    assert "allow_pickle" in damage(entry)
    assert not (tmp_path / "exploded").exists()


def test_objects_are_refused_when_saved(tmp_path):
    with pytest.raises(UnfitEvidenceError, match="seed0/output/x holds Python objects, not numbers"):
        store.save(Evidence("01", "torch", {"seed0/output/x": np.array([1, "a"], dtype=object)}), tmp_path, KEY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fact", [float("nan"), float("inf"), np.float32(1.0), {1, 2}])
def test_facts_that_json_cannot_hold_are_refused_when_saved(tmp_path, fact):
    with pytest.raises(UnfitEvidenceError, match="its facts do not fit into JSON"):
        store.save(Evidence("01", "torch", facts={"x": fact}), tmp_path, KEY)
    assert not list(tmp_path.iterdir())


def test_discarding_removes_the_entry_and_minds_no_absence(entry):
    store.discard(entry.parent, KEY)
    store.discard(entry.parent, KEY)
    assert not list(entry.parent.iterdir())


def test_discarding_where_nothing_can_be_removed_is_left_to_the_write_that_follows(entry, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    store.discard(entry.parent, KEY)


def test_writing_replaces_a_file_whole(tmp_path):
    path = tmp_path / "deep" / "er" / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(
        S30Error, match=r"^cannot write .*/file: No space left on device; free space or choose another folder$"
    ):
        write_atomically(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"old")]


@pytest.mark.parametrize("folder", ["file/below", "/proc/nowhere", "/dev/null/below"])
def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path, folder):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(S30Error, match=r"^cannot write .*; free space or choose another folder$"):
        write_atomically(tmp_path / folder / "entry", b"new")


def test_the_limit_of_a_file_system_leaves_nothing_behind(tmp_path):
    """A real refusal by the kernel in the middle of a write: no file may grow beyond 4096 bytes."""
    code = (
        "import resource, sys; from pathlib import Path; from s30.evidence.store import write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: write_atomically(Path(sys.argv[1]), bytes(10000))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    environment = os.environ | {"PYTHONPATH": str(ENGINE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "entry")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.stdout.startswith("S30Error cannot write"), done.stderr
    assert "File too large" in done.stdout
    assert not list(tmp_path.iterdir())
