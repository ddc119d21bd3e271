"""What a failing test shows, in runs of pytest."""

import pytest

from tests.support.testing_plugin import RunTests
from trio_calls.audio import noise, read_wav

pytestmark = pytest.mark.slow

AGENT = """
    import pytest, trio
    from trio_calls.audio import noise
    from trio_calls.testing import hears, run_agent

    HELLO, GOODBYE = noise(1, 24000, 1), noise(1, 24000, 2)

    async def agent(call):
        await call.answer()
        await call.send_audio(HELLO)
        await call.wait_disconnected()
"""

MISSES_SPEECH = (
    AGENT
    + """
    @pytest.mark.parametrize("name", ["a/b"])
    async def test_it(simulator, name):
        async with run_agent(agent, simulator):
            call = simulator.place_call()
            await hears(call.caller, GOODBYE, within_seconds=3)
    """
)


def test_an_assertion_about_audio(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    result = run_tests(MISSES_SPEECH)
    result.assert_outcomes(failed=1)
    folder = pytester.path / "trio-calls-failures"
    name = "test_an_assertion_about_audio.py-test_it-a-b"
    result.stdout.fnmatch_lines_random(
        [
            "> * await hears(call.caller, GOODBYE, within_seconds=3)",
            "E *AssertionError: +65 9111 0000 (TALKING) did not hear the speech (1.00 s) *",
            f"E *expected  {folder}/{name}-expected.wav",
        ]
    )
    result.stdout.no_fnmatch_line("*Exception Group*")
    result.stdout.no_fnmatch_line("*in _await*")
    heard = read_wav(folder / f"{name}-heard.wav", 24000)
    assert noise(1, 24000, 1) in heard
    assert read_wav(folder / f"{name}-expected.wav", 24000) == noise(1, 24000, 2)


def test_another_folder_for_evidence(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    run_tests(MISSES_SPEECH, ini="trio_mode = true\ntrio_calls_failures = out/wav")
    assert len(list((pytester.path / "out" / "wav").glob("*.wav"))) == 2


@pytest.mark.parametrize("fixture", ["simulator", "loopback_simulator"])
def test_a_failing_test_shows_the_transcript(run_tests: RunTests, fixture: str) -> None:
    result = run_tests(
        AGENT
        + f"""
    async def test_it({fixture}):
        async with run_agent(agent, {fixture}):
            call = {fixture}.place_call()
            await call.caller.wait_talking()
            assert call.agent_states == []
    """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- trio_calls transcript -*", "*call.answer*"])
    result.stdout.no_fnmatch_line("*trio_calls violations*")


def test_a_passing_test_shows_nothing(run_tests: RunTests) -> None:
    result = run_tests(
        AGENT
        + """
    async def test_it(simulator):
        async with run_agent(agent, simulator):
            call = simulator.place_call()
            await hears(call.caller, HELLO, within_seconds=3)

    async def test_without_a_simulator():
        assert False
    """
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*trio_calls transcript*")


@pytest.mark.parametrize("fixture", ["simulator", "loopback_simulator"])
def test_a_failing_test_shows_violations(run_tests: RunTests, fixture: str) -> None:
    result = run_tests(
        f"""
    import trio
    from trio_calls import open_call_client

    async def test_it({fixture}):
        await trio.sleep(0.5)
        async with open_call_client({fixture}.config) as client:
            client._incoming.control._outbox.send_nowait("nonsense")
            await trio.sleep(0.1)
        assert False
    """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- trio_calls violations -*", "  ?.??? s  control connection *"])


def test_a_crash_of_the_handler_fails_the_test(run_tests: RunTests) -> None:
    result = run_tests(
        """
    import trio
    from trio_calls.testing import run_agent

    async def agent(call):
        await call.answer()
        raise LookupError("no such customer")

    async def test_it(simulator):
        async with run_agent(agent, simulator):
            simulator.place_call()
            await trio.sleep_forever()
    """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "> * raise LookupError(*",
            "E *LookupError: no such customer",
            "*- trio_calls transcript -*",
            "FAILED *test_it - LookupError: *",
        ]
    )
    result.stdout.no_fnmatch_line("*Exception Group*")


def test_several_errors_are_all_shown(run_tests: RunTests) -> None:
    result = run_tests(
        """
    async def test_it(simulator, nursery):
        async def crash(message):
            raise LookupError(message)
        nursery.start_soon(crash, "one")
        nursery.start_soon(crash, "two")
    """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random(["*LookupError: one", "*LookupError: two"])


def test_skipping_works_as_ever(run_tests: RunTests) -> None:
    result = run_tests(
        """
    import pytest
    async def test_skip(simulator):
        pytest.skip("not today")
    @pytest.mark.xfail(strict=True)
    async def test_xfail(simulator):
        assert False
    """
    )
    result.assert_outcomes(skipped=1, xfailed=1)
    result.stdout.no_fnmatch_line("*trio_calls transcript*")
