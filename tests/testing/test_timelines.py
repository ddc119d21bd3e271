"""A failing test leaves the timelines of its calls, in runs of pytest."""

from __future__ import annotations

import pytest

from tests.support.testing_plugin import RunTests
from tests.support.timelines import read_page
from trio_calls.voice.timeline.json_lines import read_timeline
from trio_calls.voice.timeline.page import _story
from trio_calls.voice.timeline.records import CallOpened, Note, Said, StateChanged

pytestmark = pytest.mark.slow

TEST = """
    import trio
    from trio_calls.audio import noise
    from trio_calls.testing import run_agent, said
    from trio_calls.voice import open_voice

    async def agent(call):
        async with open_voice(call) as voice:
            await call.answer()
            await voice.say(noise(1, 24000, 1), text="Hello!")
            voice.note("asked", number=call.caller_number)
            await call.wait_disconnected()

    async def test_it({fixture}):
        async with run_agent(agent, {fixture}):
            for number in ("+65 9111 0001", "+65 9111 0002"):
                call = {fixture}.place_call(caller=number)
                await trio.sleep(1.5)
                call.caller.hang_up()
                await call.wait_ended()
        assert [speech.text for speech in said(call)] == ["{expected}"]
"""


@pytest.mark.parametrize("fixture", ["simulator", "loopback_simulator"])
def test_a_failing_test_leaves_them(
    run_tests: RunTests, pytester: pytest.Pytester, fixture: str
) -> None:
    result = run_tests(TEST.format(fixture=fixture, expected="Goodbye!"))
    result.assert_outcomes(failed=1)
    folder = pytester.path / "trio-calls-failures"
    name = "test_a_failing_test_leaves_them.py-test_it-call"
    result.stdout.fnmatch_lines(
        ["*- trio_calls timelines -*", f"*{folder}/{name}-1.html", f"*{folder}/{name}-2.html"]
    )
    opened, *records = read_timeline(folder / f"{name}-2.jsonl")
    assert isinstance(opened, CallOpened)
    # Whoever tests has made them up.
    assert opened.caller_number == "+65 9111 0002"
    assert [record.text for record in records if isinstance(record, Said | Note)] == [
        "Hello!",
        "asked",
    ]
    assert isinstance(records[-1], StateChanged)
    page = read_page((folder / f"{name}-2.html").read_text(encoding="utf-8"))
    assert page.lane("agent").only("g", "said").text == "Hello!"
    assert (folder / ".gitignore").exists()


def test_a_passing_test_leaves_none(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    result = run_tests(TEST.format(fixture="simulator", expected="Hello!"))
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*trio_calls timelines*")
    assert not (pytester.path / "trio-calls-failures").exists()


def test_each_test_has_its_own(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    result = run_tests(
        TEST.format(fixture="simulator", expected="Hello!")
        + """
    async def test_other():
        from trio_calls.voice.timeline.collecting import collected
        assert not list(collected.get())
        assert False
    """
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*trio_calls timelines*")


def test_a_folder_that_cannot_be_made(run_tests: RunTests, pytester: pytest.Pytester) -> None:
    (pytester.path / "taken").write_text("")
    result = run_tests(
        TEST.format(fixture="simulator", expected="Goodbye!"),
        ini="trio_mode = true\ntrio_calls_failures = taken",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- trio_calls timelines -*", "  cannot be saved: *"])


def test_a_call_of_months_is_left_without_a_page(
    run_tests: RunTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_story, "_MOST_SECONDS", 1.0)
    result = run_tests(TEST.format(fixture="simulator", expected="Goodbye!"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- trio_calls timelines -*", "*-call-1.jsonl"])
