"""The plugin's fixtures, in runs of pytest."""

import time

import pytest

from tests.support.testing_plugin import RunTests
from trio_calls.audio import noise, write_wav

pytestmark = pytest.mark.slow

TALK = """
    import pytest, trio
    from trio_calls.audio import noise
    from trio_calls.testing import hears, run_agent

    async def echo(call):
        await call.answer()
        async for chunk in call.audio_stream():
            await call.send_audio(chunk)

    {mark}
    async def test_echo({fixture}):
        speech = noise(1, {rate}, 1)
        async with run_agent(echo, {fixture}):
            call = {fixture}.place_call()
            await call.caller.say(speech)
            await hears(call.caller, speech, within_seconds=30)
            call.caller.hang_up()
            await call.wait_ended()
        assert not {fixture}.violations
"""


def talk(fixture: str = "simulator", mark: str = "", rate: int = 24000) -> str:
    return TALK.format(fixture=fixture, mark=mark, rate=rate)


@pytest.mark.parametrize("fixture", ["simulator", "loopback_simulator"])
def test_with_trio_mode(run_tests: RunTests, fixture: str) -> None:
    run_tests(talk(fixture)).assert_outcomes(passed=1)


@pytest.mark.parametrize("fixture", ["simulator", "loopback_simulator"])
def test_without_trio_mode(run_tests: RunTests, fixture: str) -> None:
    run_tests(talk(fixture, "@pytest.mark.trio"), ini="").assert_outcomes(passed=1)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_another_sample_rate(run_tests: RunTests, rate: int) -> None:
    ini = f"trio_mode = true\ntrio_calls_sample_rate = {rate}"
    run_tests(talk(rate=rate), ini=ini).assert_outcomes(passed=1)


def test_a_sample_rate_that_no_exchange_has(run_tests: RunTests) -> None:
    result = run_tests(talk(), ini="trio_calls_sample_rate = 44100")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        "*trio_calls_sample_rate must be 8000, 16000 or 24000 (Hz), not '44100'"
    )


@pytest.mark.parametrize("fixture", ["simulator", "loopback_simulator"])
def test_another_wire(run_tests: RunTests, fixture: str) -> None:
    source = f"""
        async def test_it({fixture}):
            assert {fixture}.config.wire == "second"
    """
    run_tests(source, ini="trio_mode = true\ntrio_calls_wire = second").assert_outcomes(passed=1)


def test_each_wire_in_turn(run_tests: RunTests) -> None:
    run_tests(
        """
        import pytest

        @pytest.mark.parametrize("trio_calls_wire", ["first", "second"])
        async def test_on_each(simulator, trio_calls_wire):
            assert simulator.config.wire == trio_calls_wire
        """
    ).assert_outcomes(passed=2)


def test_a_wire_that_there_is_not(run_tests: RunTests) -> None:
    result = run_tests(talk(), ini="trio_calls_wire = third")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*trio_calls_wire must be first or second, not 'third'")


def test_ten_minutes_are_not_waited_for(run_tests: RunTests) -> None:
    began = time.monotonic()
    run_tests(
        """
        import pytest, trio
        from trio_calls import WSSCallCommandError
        from trio_calls.simulator import never_answers
        from trio_calls.testing import run_agent

        async def insist(call):
            for _ in range(5):
                with pytest.raises(WSSCallCommandError):
                    await call.connect(ring_time_seconds=120)
            await call.disconnect()

        async def test_ten_minutes(simulator):
            async with run_agent(insist, simulator):
                call = simulator.place_call(pickup=never_answers())
                await call.wait_ended()
            assert 600 <= trio.current_time() < 601
        """
    ).assert_outcomes(passed=1)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("clock", ["mock_clock", "autojump_clock"])
def test_a_clock_of_the_tests_own_is_used(run_tests: RunTests, clock: str) -> None:
    run_tests(
        f"""
        import trio
        async def test_clock(simulator, {clock}):
            assert trio.lowlevel.current_clock() is {clock}
        """
    ).assert_outcomes(passed=1)


def test_virtual_time_is_for_tests_with_a_simulator_only(run_tests: RunTests) -> None:
    run_tests(
        """
        import trio, trio.testing
        def is_virtual():
            return isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
        async def test_without():
            assert not is_virtual()
        async def test_with(simulator):
            assert is_virtual()
        async def test_in_real_time(loopback_simulator):
            assert not is_virtual()
            async with await trio.open_tcp_stream("127.0.0.1", loopback_simulator.port):
                pass
        """
    ).assert_outcomes(passed=3)


@pytest.mark.parametrize("fixture", ["simulator", "loopback_simulator"])
@pytest.mark.parametrize(("kind", "ini"), [("", "trio_mode = true"), ("async ", "")])
def test_simulators_are_for_trio_tests(
    run_tests: RunTests, fixture: str, kind: str, ini: str
) -> None:
    result = run_tests(f"{kind}def test_it({fixture}): pass", ini=ini)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("simulators are for Trio tests: make test_it an async function,*")


def test_without_pytest_trio(run_tests: RunTests) -> None:
    result = run_tests("async def test_it(simulator): pass", "-p", "no:trio", ini="")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*install pytest-trio*")


@pytest.mark.parametrize("fixture", ["simulator", "mock_clock", "autojump_clock"])
def test_real_time_is_not_virtual(run_tests: RunTests, fixture: str) -> None:
    result = run_tests(f"async def test_it(loopback_simulator, {fixture}): pass")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("loopback_simulator works in real time, and this test runs in*")


SPEECH = noise(0.5, 24000, seed=1)

LOAD = """
    def test_speech(wav):
        speech = wav("hello.wav")
        assert (len(speech), repr(speech)) == (24000, "<Speech hello.wav, 0.50 s>")
"""


def test_a_wav_beside_the_test(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    write_wav(pytester.path / "hello.wav", SPEECH, 24000)
    run_tests(LOAD).assert_outcomes(passed=1)


def test_a_wav_in_another_folder(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("speech")
    write_wav(folder / "hello.wav", SPEECH, 24000)
    run_tests(LOAD, ini="trio_calls_audio = speech").assert_outcomes(passed=1)


def test_a_wav_that_is_missing(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    result = run_tests(LOAD, ini="trio_calls_audio = speech")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        f"E *FileNotFoundError: there is no hello.wav in {pytester.path}, {pytester.path}/speech; *"
    )


def test_a_wav_of_another_rate_is_converted(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    write_wav(pytester.path / "hello.wav", noise(0.5, 8000, 1), 8000)
    run_tests(LOAD).assert_outcomes(passed=1)
