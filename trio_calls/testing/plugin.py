"""The pytest plugin: simulators as fixtures, and what happened in reports of failing tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Final, get_args

import pytest
import trio
import trio.testing

from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.config import WireName
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.testing._evidence import Evidence, current_evidence
from trio_calls.testing._plain_errors import PlainErrors
from trio_calls.testing._speech import WavLoader
from trio_calls.testing._timelines import save_timelines
from trio_calls.testing._virtual_time import run_in_virtual_time
from trio_calls.voice.timeline.collecting import Timelines, collected

_SIMULATOR: Final = pytest.StashKey[Simulator]()
_OPENED_AT: Final = pytest.StashKey[float]()
_TIMELINES: Final = pytest.StashKey[tuple[Timelines, Evidence]]()
_MAX_NAME_LENGTH: Final = 150


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the ini options."""
    parser.addini(
        "trio_calls_sample_rate",
        "sample rate of the simulators and of the WAV files, in Hz: 8000, 16000 or 24000",
        default="24000",
    )
    parser.addini(
        "trio_calls_wire",
        "generation of the exchange that agents speak to the simulators: first or second",
        default="first",
    )
    parser.addini(
        "trio_calls_audio",
        "folders in which the fixture wav looks for files, after that of the test",
        type="paths",
        default=[],
    )
    parser.addini(
        "trio_calls_failures",
        "folder for recordings and timelines of failing tests, relative to the root directory",
        default="trio-calls-failures",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Reject settings that make no sense before any test runs."""
    _sample_rate(config)
    _wire(config)


@pytest.hookimpl(trylast=True)  # pytest-trio marks the tests first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test with an in-process simulator in virtual time, whatever its clock."""
    for item in items:
        has_simulator = "simulator" in getattr(item, "fixturenames", ())
        if has_simulator and item.get_closest_marker("trio"):
            item.add_marker(pytest.mark.trio(run=run_in_virtual_time), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test with a place for its evidence, and with its errors taken out of groups.

    pytest-trio runs each test in a nursery, which would raise every failure in a group.
    """
    __tracebackhide__ = True
    evidence = Evidence(
        folder=item.config.rootpath / item.config.getini("trio_calls_failures"),
        test_name=re.sub(r"[^\w.]+", "-", item.nodeid).strip("-")[-_MAX_NAME_LENGTH:],
        sample_rate=_sample_rate(item.config),
    )
    token = current_evidence.set(evidence)
    timelines = Timelines()
    item.stash[_TIMELINES] = timelines, evidence
    timelines_token = collected.set(timelines)
    try:
        if "_trio_test" not in getattr(item, "fixturenames", ()):
            return (yield)
        with PlainErrors():
            return (yield)
    finally:
        collected.reset(timelines_token)
        current_evidence.reset(token)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the simulator's transcript and violations to the report of a failed test.

    The timelines of its calls are saved, and the report says where.
    """
    report = yield
    simulator = item.stash.get(_SIMULATOR, None)
    if report.failed and simulator is not None:
        report.sections.append(("trio_calls transcript", str(simulator.transcript)))
        if simulator.violations:
            violations = _list_violations(simulator, item.stash[_OPENED_AT])
            report.sections.append(("trio_calls violations", violations))
    timelines, evidence = item.stash.get(_TIMELINES, (Timelines(), None))
    if report.failed and report.when == "call" and evidence is not None and any(timelines):
        report.sections.append(("trio_calls timelines", _save(timelines, evidence)))
    return report


@pytest.fixture
def _trio_test(request: pytest.FixtureRequest) -> None:
    """Fail a test that cannot have a simulator, and say why."""
    if request.node.get_closest_marker("trio") is None:
        pytest.fail(
            f"simulators are for Trio tests: make {request.node.name} an async function, install "
            "pytest-trio, and mark it with @pytest.mark.trio or set trio_mode = true",
            pytrace=False,
        )


@pytest.fixture
def trio_calls_wire(request: pytest.FixtureRequest) -> WireName:
    """Which generation of the exchange agents speak to the simulators.

    That of the ini option, or whatever a test is parametrized with.
    """
    return _wire(request.config)


@pytest.fixture
async def simulator(
    request: pytest.FixtureRequest, _trio_test: None, trio_calls_wire: WireName
) -> AsyncIterator[Simulator]:
    """An exchange in process, in virtual time: no test really waits for a telephone to ring.

    The whole test runs on a `trio.testing.MockClock` that jumps to the next deadline whenever
    everything waits. What Trio does not see, work in threads and real sockets, takes no time on it:
    for those there is ``loopback_simulator``.

    When the block of the test is left, all calls end and nothing is left running.
    """
    sample_rate = _sample_rate(request.config)
    async with open_simulator(sample_rate=sample_rate, wire=trio_calls_wire) as simulator:
        request.node.stash[_SIMULATOR] = simulator
        request.node.stash[_OPENED_AT] = trio.current_time()
        yield simulator


@pytest.fixture
async def loopback_simulator(
    request: pytest.FixtureRequest, _trio_test: None, trio_calls_wire: WireName
) -> AsyncIterator[Simulator]:
    """An exchange on a free port of 127.0.0.1, in real time: ``loopback_simulator.port``.

    It can be reached from threads and other processes. A test that uses it cannot have virtual
    time, and so not ``simulator`` either.
    """
    if isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock):
        pytest.fail(
            "loopback_simulator works in real time, and this test runs in virtual time: it has "
            "the fixture simulator, autojump_clock or mock_clock too",
            pytrace=False,
        )
    sample_rate = _sample_rate(request.config)
    async with open_simulator(port=0, sample_rate=sample_rate, wire=trio_calls_wire) as simulator:
        request.node.stash[_SIMULATOR] = simulator
        request.node.stash[_OPENED_AT] = trio.current_time()
        yield simulator


@pytest.fixture
def wav(request: pytest.FixtureRequest) -> WavLoader:
    """Load a WAV file at the simulator's rate: ``wav("greeting.wav")``.

    Looks in the folder of the test file, then in the folders of the ini option
    ``trio_calls_audio``.
    """
    folders: list[Path] = [request.path.parent, *request.config.getini("trio_calls_audio")]
    return WavLoader(folders, _sample_rate(request.config))


def _sample_rate(config: pytest.Config) -> int:
    value = config.getini("trio_calls_sample_rate")
    if value not in {str(rate) for rate in SAMPLE_RATES}:
        raise pytest.UsageError(
            f"trio_calls_sample_rate must be 8000, 16000 or 24000 (Hz), not {value!r}"
        )
    return int(value)


def _wire(config: pytest.Config) -> WireName:
    value: WireName = config.getini("trio_calls_wire")
    if value not in get_args(WireName):
        raise pytest.UsageError(f"trio_calls_wire must be first or second, not {value!r}")
    return value


def _save(timelines: Timelines, evidence: Evidence) -> str:
    try:
        return save_timelines(timelines, evidence)
    except OSError as error:
        # A report without them is better than none.
        return f"  cannot be saved: {error}"


def _list_violations(simulator: Simulator, opened_at: float) -> str:
    return "\n".join(
        f"{violation.time - opened_at:7.3f} s  {violation.connection}: {violation.fault}"
        for violation in simulator.violations
    )
