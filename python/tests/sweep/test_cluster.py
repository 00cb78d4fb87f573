"""Jobs on a real Dask cluster on this machine: one scheduler and two workers, whose checkout is not the client's."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from s30 import cli
from s30.corpus.registry import Paper, load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError
from s30.evidence import environment
from s30.layers import catalogue
from s30.layers.catalogue import ENGINE
from s30.record import telemetry
from s30.sweep import cluster
from s30.sweep.cluster import DaskExecutor
from s30.sweep.plan import Event, Options, slots_for
from s30.sweep.run import sweep
from s30.verdict.judge import judge

PATIENCE = 60.0  # seconds after which something that should happen is taken not to
BEGIN = "def forward(params, batch, scale):\n"
# The first to come says who it is and stays until the gate is opened; whoever comes later goes on. What it says lies outside
# the checkout, in which a layer may open no file that its evidence's key leaves out.
GATE = """    import os, time
    from pathlib import Path
    room = Path(__file__).parent
    gate = room.parents[2] / (room.parents[1].name + "-gates") / room.name
    try:
        (gate / "first").touch(exist_ok=False)
    except FileExistsError:
        pass
    else:
        (gate / "writing").write_text(str(os.getpid()))
        (gate / "writing").rename(gate / "pid")
        for _ in range(6000):
            if (gate / "open").exists():
                break
            time.sleep(0.1)
"""


def gate_of(paper: Paper) -> Path:
    """Where what the first to come to this paper says lies."""
    root = paper.folder.parents[1]
    return root.with_name(root.name + "-gates") / paper.folder.name


def eventually(found: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < until
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def grouped(group: int) -> bool:
    """Whether a process of the group is left. Python's own resource tracker ends a moment after its starter."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def address_in(file: Path) -> str:
    """The address that a scheduler wrote there; empty while it is not there, or there and not yet written."""
    try:
        address: str = json.loads(file.read_text())["address"]
    except (FileNotFoundError, json.JSONDecodeError):
        return ""
    return address


class Log(list):
    def __call__(self, event: Event) -> None:
        self.append(event)

    def of(self, kind: str) -> list[str]:
        return sorted(event.slot[0] for event in self if event.kind == kind)


class Cluster:
    """A scheduler and its workers, as processes."""

    def __init__(self, folder: Path, root: Path, **variables: str) -> None:
        self._folder, self._workers = folder, 0
        folder.mkdir()
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("S30_", "DASK_"))}
        paths = {"PYTHONPATH": str(ENGINE.parent), "S30_ROOT": str(root), "S30_AGDA": "/nonexistent/agda"}
        self._environment = clean | paths | variables
        self.processes: list[subprocess.Popen[bytes]] = []
        said = folder / "scheduler.json"
        arguments = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        arguments += ["--scheduler-file", str(said)]
        self.scheduler = self._start("scheduler", *arguments)
        try:
            eventually(lambda: address_in(said))
        except BaseException:  # no fixture has it yet, to close it
            self.close()
            raise
        self.address = address_in(said)

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", what, *arguments],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def have(self, number: int) -> None:
        """Brings the workers that live to this number."""
        from distributed import Client

        self.processes = [process for process in self.processes if process.poll() is None]
        for _ in range(number + 1 - len(self.processes)):
            self._workers += 1
            arguments = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", f"worker-{self._workers}"]
            self._start("worker", self.address, *arguments, "--local-directory", str(self._folder / "scratch"))
        with Client(self.address, set_as_default=False) as client:
            eventually(lambda: len(client.nthreads()) == number)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def roots(tmp_path_factory, toy) -> SimpleNamespace:
    """The checkout of the workers, and the client's, in which no gate is shut."""
    folder = tmp_path_factory.mktemp("cluster")
    gated = toy.numpy.replace(BEGIN, BEGIN + GATE)
    rooms = {
        "01_quick": {},
        "02_raises": {"numpy_checks.py": toy.numpy.replace(BEGIN, BEGIN + "    raise ValueError('sour')\n")},
        "03_dies": {
            "numpy_checks.py": toy.numpy.replace(
                BEGIN, BEGIN + "    __import__('os').kill(__import__('os').getpid(), 9)\n"
            )
        },
        "04_gated": {"numpy_checks.py": gated},
        "05_shut": {"numpy_checks.py": gated},
        "06_locked": {"numpy_checks.py": gated},
        "07_also": {},
        "08_waits": {"numpy_checks.py": gated},
    }
    there = toy.write_corpus(folder / "there", rooms)
    shutil.copytree(there.root, folder / "here")
    here = load_corpus(folder / "here")
    for paper in (*here.papers, *there.papers):
        gate_of(paper).mkdir(parents=True)
    for paper in here.papers:
        (gate_of(paper) / "first").touch()
    return SimpleNamespace(folder=folder, here=here, there=there)


@pytest.fixture(scope="module")
def _running(roots) -> Iterator[Cluster]:
    running = Cluster(roots.folder / "running", roots.there.root)
    yield running
    running.close()


@pytest.fixture
def two(_running) -> Cluster:
    """The cluster with two workers, whatever the tests before did to them."""
    _running.have(2)
    return _running


@pytest.fixture
def own(tmp_path, roots) -> Iterator[Cluster]:
    """A scheduler of the test's own, without a worker. It gives a job up with the second worker that dies over it."""
    running = Cluster(tmp_path / "own", roots.there.root, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1")
    yield running
    running.close()


@pytest.fixture
def measured(roots, tmp_path) -> Callable[..., tuple[dict, Log]]:
    """Results and events of a sweep of some papers from the client's checkout."""

    def run(executor, numbers, names=("numpy",), cache="cache", corpus=None, **settings):
        corpus = corpus or roots.here
        log = Log()
        options = Options(corpus.root, tmp_path / cache, **{"time_limit": PATIENCE, "workers": 1, **settings})
        return sweep(slots_for([corpus.paper(n) for n in numbers], names, False), options, log, executor), log

    return run


class Gate:
    """Where the first job of a gated paper stands on its worker."""

    def __init__(self, there) -> None:
        self._there = there

    def reached(self, number: str) -> int:
        """Waits for it, and says which process it is."""
        path = gate_of(self._there.paper(number)) / "pid"
        eventually(path.is_file)
        return int(path.read_text())

    def open(self, number: str) -> None:
        """Lets the one that stands there go on."""
        (gate_of(self._there.paper(number)) / "open").touch()

    def shut(self, number: str) -> None:
        """From now on the next job is the first again."""
        for name in ("pid", "first", "open"):
            (gate_of(self._there.paper(number)) / name).unlink(missing_ok=True)


@pytest.fixture
def gate(roots) -> Iterator[Gate]:
    found = Gate(roots.there)
    yield found
    for number in ("04", "05", "06", "08"):
        found.shut(number)


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Does something in a thread while the test waits for a sweep; its failure is the test's."""
    threads, faults = [], []

    def do(what):
        def guarded():
            try:
                what()
            except BaseException as error:
                faults.append(error)

        threads.append(threading.Thread(target=guarded))
        threads[-1].start()

    yield do
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert not faults, faults


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def record(corpus, numbers, results, monkeypatch):
    """The record of these results without its part `run`."""
    monkeypatch.setattr(telemetry.repository, "head", lambda root: "0" * 40)
    monkeypatch.setattr(telemetry.repository, "changed_files", lambda root: [])
    monkeypatch.setattr(telemetry.repository, "source_digest", lambda root: "0" * 64)
    papers = [corpus.paper(number) for number in numbers]
    verification = judge(corpus, papers, ["numpy"], {s: e for s, e in results.items() if s[1] == "numpy"}, False)
    found = telemetry.assemble(corpus.root, verification, "quick", 0.0, False)
    assert found["papers"]["01"]["layers"]["numpy"]["outcome"] == "passed"
    return {name: value for name, value in found.items() if name != "run"}


def test_a_scheduler_is_there_once_it_has_written_its_address(tmp_path):
    said = tmp_path / "scheduler.json"
    assert address_in(said) == ""
    said.write_text("")
    assert address_in(said) == ""
    said.write_text('{"address": "tcp://127.0.0.1:1"}')
    assert address_in(said) == "tcp://127.0.0.1:1"


def test_a_cluster_that_does_not_start_leaves_no_process(tmp_path, monkeypatch, roots):
    started, begin = [], Cluster._start
    monkeypatch.setattr(Cluster, "_start", lambda *arguments: started.append(begin(*arguments)) or started[-1])
    monkeypatch.setitem(globals(), "PATIENCE", 0.0)
    with pytest.raises(AssertionError):
        Cluster(tmp_path / "own", roots.there.root)
    assert [process.poll() for process in started] == [-signal.SIGKILL]


def test_a_cluster_gives_the_evidence_and_the_record_of_a_local_sweep(two, roots, measured, monkeypatch, tmp_path):
    numbers, names = ("01", "02", "03"), ("numpy", "sympy")
    local, _ = measured(None, numbers, names, "local")
    found, log = measured(DaskExecutor(two.address), numbers, names)
    assert {slot: e.digest for slot, e in found.items()} == {slot: e.digest for slot, e in local.items()}
    assert [found[n, "numpy", "checks"].error for n in numbers] == [
        "",
        "papers/02_raises/numpy_checks.py:17: ValueError: sour",
        "the NumPy process was killed by SIGKILL at «forward, seed 0»",
    ]
    assert log.of("done") == ["01", "01", "02", "03"]
    assert log.of("failed") == ["02", "03"]
    assert record(roots.here, numbers, found, monkeypatch) == record(roots.here, numbers, local, monkeypatch)
    entries = [{p.name for p in (tmp_path / name).glob("*.*")} for name in ("cache", "local")]
    assert entries[0] == entries[1]
    _, log = measured(DaskExecutor("tcp://127.0.0.1:1"), ("01",), names)  # whom nobody has to ask
    assert (log.of("cached"), log.of("done")) == (["01", "01"], [])
    assert not list((roots.there.root / ".s30" / "cache").glob("*.*")), "the worker keeps nothing"


def test_a_killed_worker_loses_nothing_and_leaves_nothing(two, roots, measured, gate, meanwhile, monkeypatch):
    killed = []

    def kill():
        pid = gate.reached("04")
        dask = parent_of(pid)
        assert dask in [process.pid for process in two.processes]
        os.kill(dask, signal.SIGKILL)
        eventually(lambda: not alive(pid))
        killed.append(pid)

    meanwhile(kill)
    numbers = ("01", "04", "07")
    found, log = measured(DaskExecutor(two.address), numbers)
    assert killed
    assert log.of("done") == ["01", "04", "07"]
    local, _ = measured(None, numbers, cache="local")
    assert record(roots.here, numbers, found, monkeypatch) == record(roots.here, numbers, local, monkeypatch)


def test_a_paused_worker_ends_what_it_is_at(two, measured, gate, meanwhile):
    """Dask pauses a worker that is short of memory: it takes no new task."""
    from distributed import Client

    went_on = []

    def pause():
        pid = gate.reached("08")
        with Client(two.address, set_as_default=False) as client:
            (at_work,) = (address for address, worker in client.run(os.getpid).items() if worker == parent_of(pid))

            def share(fraction):  # of the memory, from which on the worker pauses
                client.run(
                    lambda dask_worker: setattr(dask_worker.memory_manager, "memory_pause_fraction", fraction),
                    workers=[at_work],
                )

            def status():
                return client.run(lambda dask_worker: dask_worker.status.name, workers=[at_work])[at_work]

            share(1e-9)
            eventually(lambda: status() == "paused")
            time.sleep(2.0)  # in which the worker looks whether it is still wanted
            went_on.append(alive(pid))
            assert status() == "paused"
            gate.open("08")
            eventually(lambda: not alive(pid))
            share(0.8)
            eventually(lambda: status() == "running")

    meanwhile(pause)
    found, log = measured(DaskExecutor(two.address), ("08", "07"))
    assert {evidence.outcome for evidence in found.values()} == {Outcome.PASSED}
    assert (log.of("done"), went_on) == (["07", "08"], [True])


@pytest.mark.parametrize("edited", ["numpy_checks.py", "versions"])
def test_a_worker_that_would_measure_something_else_refuses(two, roots, measured, tmp_path, monkeypatch, edited):
    shutil.copytree(roots.here.root, tmp_path / "other")
    other = load_corpus(tmp_path / "other")
    differs = "numpy_checks.py"
    if edited == "versions":
        differs = rf"numpy \({environment.version('numpy')} there, 99 here\)"
        monkeypatch.setattr(environment, "version", lambda name: "99" if name == "numpy" else _version(name))
    else:
        path = other.paper("01").folder / edited
        path.write_text(path.read_text() + "# changed\n")
    with pytest.raises(S30Error) as caught:
        measured(DaskExecutor(two.address), ("01",), corpus=other)
    assert caught.match(
        rf"^the Dask worker tcp://127\.0\.0\.1:\d+ on \S+: it would not measure what was asked, since it differs in {differs}: "
        "bring both machines to the same commit and environment, or stop that worker$"
    )
    assert not list((tmp_path / "cache").glob("*.json"))


_version = environment.version


def test_what_a_worker_lacks_is_not_run_with_the_remedy(two, measured, monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "missing", lambda layer: None)
    monkeypatch.setattr(environment, "find_agda", lambda: None)
    found, log = measured(DaskExecutor(two.address), ("01",), ("agda",))
    (evidence,) = found.values()
    assert evidence.outcome is Outcome.NOT_RUN
    assert evidence.error.startswith("/nonexistent/agda --version did not answer: ")
    assert evidence.error.endswith("run `make setup`, or set S30_AGDA to the program")
    (event,) = log  # which says where; the record is the same wherever it was
    assert event.kind == "not_run"
    assert re.fullmatch(rf"the Dask worker tcp://127\.0\.0\.1:\d+ on \S+: {re.escape(evidence.error)}", event.text)
    assert not list((tmp_path / "cache").glob("*.json"))


def command(roots, tmp_path, *arguments: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("S30_", "DASK_"))}
    paths = {"PYTHONPATH": str(ENGINE.parent), "S30_ROOT": str(roots.here.root), "S30_CACHE": str(tmp_path / "cache")}
    return subprocess.Popen(
        [sys.executable, "-m", "s30.cli", "run", "--layer", "numpy", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean | paths | {"COLUMNS": "200"},
        start_new_session=True,
    )


def test_an_interrupted_client_takes_its_work_back(two, roots, measured, gate, tmp_path):
    client = command(roots, tmp_path, "05", "--scheduler", two.address)
    pid = gate.reached("05")
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=PATIENCE)
    assert (client.returncode, out) == (130, "")
    assert err == "interrupted: what was finished is kept, and a rerun goes on from there\n"
    eventually(lambda: not alive(pid))
    _, log = measured(DaskExecutor(two.address), ("01", "07"))  # the worker has hands free
    assert log.of("done") == ["01", "07"]


def test_a_scheduler_that_cannot_be_reached_is_one_line(roots, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("S30_ROOT", str(roots.here.root))
    monkeypatch.setenv("S30_CACHE", str(tmp_path))
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    for address in ("tcp://127.0.0.1:1", "tcp://no.such.host.invalid:8786", "tcp://127.0.0.1:99999"):
        assert cli.main(["run", "01", "--layer", "numpy", "--scheduler", address]) == 1
        out, err = capsys.readouterr()
        told = f"error: no Dask scheduler answers at {address}: start one there with `.venv/bin/dask scheduler`"
        assert (out, err[: len(told)], err.count("\n")) == ("", told, 1)


def test_a_server_that_waits_to_be_asked_is_no_scheduler(roots, tmp_path, capsys, monkeypatch):
    """As a web server does: Dask's own client would wait for it without end."""
    monkeypatch.setenv("S30_ROOT", str(roots.here.root))
    monkeypatch.setenv("S30_CACHE", str(tmp_path))
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert cli.main(["run", "01", "--layer", "numpy", "--scheduler", address]) == 1
    assert capsys.readouterr() == ("", f"error: what answers at {address} is no Dask scheduler: correct --scheduler\n")


@pytest.mark.parametrize("protocol", ["tls", "ws", "wss", "ucx"])
def test_another_protocol_is_bad_usage(protocol):
    with pytest.raises(UsageError, match=r"and no other protocol is spoken here$"):
        DaskExecutor(f"{protocol}://127.0.0.1:8786")


@pytest.mark.parametrize("address", ["host", "host:8786", "tcp://host", "tcp://host:x", "tcp://:1"])
def test_what_is_no_address_is_bad_usage(address):
    with pytest.raises(UsageError, match=r"^--scheduler .* is no address like tcp://HOST:8786$"):
        DaskExecutor(address)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--executor", "slurm"], "error: no executor 'slurm': choose local or dask\n"),
        (
            ["--executor", "local", "--scheduler", "tcp://host:1"],
            "error: --scheduler names a Dask cluster: leave out --executor local\n",
        ),
        (
            ["--workers", "2", "--scheduler", "tcp://host:1"],
            "error: --scheduler names a cluster that has its own workers: leave out --workers\n",
        ),
    ],
)
def test_options_that_contradict_are_bad_usage(roots, capsys, monkeypatch, arguments, line):
    monkeypatch.setenv("S30_ROOT", str(roots.here.root))
    assert cli.main(["run", "01", *arguments]) == 2
    assert capsys.readouterr().err == line


def test_a_job_that_workers_die_of_fails_and_without_a_worker_there_is_one_line(
    own, measured, gate, meanwhile, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "CONNECT", 0.5)
        with pytest.raises(S30Error, match=f"^the scheduler {own.address} has no worker: start one with "):
            measured(DaskExecutor(own.address), ("01",))
    own.have(3)

    def kill(times):
        for _ in range(times):
            pid = parent_of(gate.reached("06"))
            gate.shut("06")
            os.kill(pid, signal.SIGKILL)

    meanwhile(lambda: kill(2))
    found, log = measured(DaskExecutor(own.address), ("06",), ("numpy", "sympy"))
    evidence = found["06", "numpy", "checks"]
    assert evidence.outcome is Outcome.FAILED
    assert (
        evidence.error == "2 Dask workers died while they ran NumPy: their logs and their machines' memory may say why"
    )
    assert re.search(r"; the last was tcp://127\.0\.0\.1:\d+$", next(e.text for e in log if e.kind == "failed"))
    assert (log.of("failed"), log.of("done")) == (["06"], ["06"])
    meanwhile(lambda: kill(1))
    monkeypatch.setattr(cluster, "NO_WORKER", 1.0)
    with pytest.raises(S30Error, match=f"^the scheduler {own.address} has had no worker for 1 s: start one with "):
        measured(DaskExecutor(own.address), ("06",), fresh=True)


def test_a_lost_scheduler_is_one_line_and_what_was_finished_is_kept(own, roots, gate, tmp_path):
    own.have(1)
    client = command(roots, tmp_path, "06", "--layer", "sympy", "--scheduler", own.address)
    pid = gate.reached("06")
    eventually(lambda: len(list((tmp_path / "cache").glob("*.json"))) == 1)
    os.kill(own.scheduler.pid, signal.SIGKILL)
    out, err = client.communicate(timeout=PATIENCE)
    assert (client.returncode, out) == (1, "")
    finished, lost = err.splitlines()
    assert finished.startswith("  measured  06 SymPy in ")
    assert lost == (
        f"error: the scheduler {own.address} ended or let go of the work: what was finished is kept, "
        "so start it again and a rerun goes on from there"
    )
    eventually(lambda: not alive(pid))


def test_without_dask_there_is_one_line_and_everything_else_works(monkeypatch):
    monkeypatch.setattr(environment, "missing_module", lambda name: name == "distributed")
    with pytest.raises(
        S30Error, match=r"^Dask Distributed is not installed: run `make setup`, or leave out --scheduler"
    ):
        DaskExecutor()
    said = "import sys, s30.cli, s30.sweep.cluster; print({'dask', 'distributed'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", said],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ENGINE.parent)},
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_a_cluster_on_this_machine_is_started_and_ended(roots, tmp_path):
    client = command(roots, tmp_path, "01", "--executor", "dask", "--workers", "1")
    out, err = client.communicate(timeout=PATIENCE)
    assert (client.returncode, out.splitlines()[-1]) == (0, "PASSED"), err
    measured, counted = err.splitlines()
    assert measured.startswith("  measured  01 NumPy in ")
    assert counted == "  1 measured, 0 from the cache"
    eventually(lambda: not grouped(client.pid))


def test_a_cluster_on_this_machine_ends_with_an_interrupt_of_them_all(roots, gate, tmp_path):
    """As a terminal sends it: to the client and to the cluster's own processes."""
    there = SimpleNamespace(here=roots.there)
    client = command(there, tmp_path, "05", "--executor", "dask", "--workers", "1")
    pid = gate.reached("05")
    assert parent_of(parent_of(pid)) == client.pid, "a Dask worker stands between"
    os.killpg(client.pid, signal.SIGINT)
    out, err = client.communicate(timeout=PATIENCE)
    assert (client.returncode, out) == (130, "")
    assert err == "interrupted: what was finished is kept, and a rerun goes on from there\n"
    eventually(lambda: not alive(pid))
    eventually(lambda: not grouped(client.pid))
