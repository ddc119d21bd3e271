"""The page of a timeline: what its reader sees, and where."""

import pytest

from tests.support.timelines import OVER, drawn, heard, said, times, turn

pytestmark = pytest.mark.pure


def near(*seconds: float) -> object:
    """Drawn at these times, as exactly as a screen could show it."""
    return pytest.approx(seconds, abs=0.001)


def test_what_was_heard_is_where_it_was_heard() -> None:
    root = drawn(heard(10.0, 12.5), said(13.0, 4.0, text="Good morning."), OVER)
    utterance = root.lane("caller").only("g", "heard")
    speech = root.lane("agent").only("g", "said")
    assert times(utterance.only("rect"), root) == near(10.0, 12.5)
    assert times(speech.only("rect"), root) == near(13.0, 17.0)
    assert speech.text == "Good morning."
    assert not root.every("rect", "unheard")


def test_what_nobody_heard_is_hatched() -> None:
    root = drawn(said(20.0, 1.5, 6.0, text="Before I do"), OVER)
    agent = root.lane("agent")
    assert times(agent.only("g", "said").only("rect"), root) == near(20.0, 21.5)
    unheard = agent.only("rect", "unheard")
    assert times(unheard, root) == near(21.5, 26.0)
    assert unheard.attributes["fill"] == "url(#hatch)"
    assert len(root.every("pattern", id="hatch")) == 1


def test_what_nobody_heard_ends_where_the_agent_goes_on() -> None:
    root = drawn(said(20.0, 1.5, 60.0), said(23.0, 2.0), OVER)
    assert times(root.only("rect", "unheard"), root) == near(21.5, 23.0)


def test_speech_that_was_not_heard_at_all() -> None:
    never = {**said(20.0, 0.0, 3.0, text=""), "start": None}
    root = drawn(never, OVER)
    assert not root.lane("agent").every("g", "said")
    assert times(root.only("rect", "unheard"), root) == near(20.0, 23.0)
    assert "not heard at all, of 3.00 s" in root.only("ol").text


def test_the_text_says_where_it_was_cut_off() -> None:
    root = drawn(said(20.0, 1.5, 6.0, text="Before I do"), OVER)
    row = root.only("li", "agent")
    assert row.only("q").text == "Before I do"
    assert row.only("span", "cut").text == "cut off about here, after 1.50 s of 6.00 s"


def test_states_and_modes_are_bands() -> None:
    root = drawn(
        {"at": 30.0, "kind": "state", "state": "CONNECTED"},
        {"at": 30.0, "kind": "mode", "mode": "BARGE"},
        {"at": 60.0, "kind": "mode", "mode": "SPY"},
        OVER,
    )
    states = [
        (band.text, times(band.only("rect"), root))
        for band in root.lane("state").every("g", "band")
    ]
    modes = [
        (band.text, times(band.only("rect"), root)) for band in root.lane("mode").every("g", "band")
    ]
    assert states == [("ANSWERED", near(0.0, 30.0)), ("CONNECTED", near(30.0, 100.0))]
    assert modes == [("BARGE", near(30.0, 60.0)), ("SPY", near(60.0, 100.0))]
    assert "the caller hung up" in root.only("header").text


def test_an_interruption_is_marked_on_both_lanes() -> None:
    root = drawn(said(40.0, 2.0, 9.0), {"at": 42.4, "kind": "interrupted", "channel": 0}, OVER)
    for lane in ("caller", "agent"):
        mark = root.lane(lane).only("svg", "interruption")
        assert times(mark, root)[0] == pytest.approx(42.4, abs=0.001)


def test_pauses_are_as_long_as_they_were() -> None:
    root = drawn(
        {"at": 40.0, "kind": "paused", "reason": "sound"},
        {"at": 40.3, "kind": "resumed", "reason": "sound"},
        {"at": 41.0, "kind": "paused", "reason": "sound"},
        said(38.0, 3.0, 9.0, at=41.4),
        OVER,
    )
    pauses = root.lane("agent").every("rect", "pause")
    assert [times(pause, root) for pause in pauses] == [near(40.0, 40.3), near(41.0, 41.4)]


def test_a_reaction_is_drawn_in_its_parts() -> None:
    root = drawn(turn(10.0, 0.5, 0.2, 0.1, 0.05), OVER)
    bars = root.lane("reaction").every("rect")
    assert [(bar.kinds - {"part"}).pop() for bar in bars] == [
        *("pause", "thinking", "synthesis", "queue")
    ]
    assert [times(bar, root) for bar in bars] == [
        *(near(10.0, 10.5), near(10.5, 10.7), near(10.7, 10.8), near(10.8, 10.85))
    ]


def test_the_table_has_each_turn_and_the_medians() -> None:
    root = drawn(
        turn(10.0, 0.5, 0.2, 0.1, 0.05),
        turn(20.0, 0.5, 1.2, 0.1, 0.05),
        turn(30.0, 0.5, 0.4, 0.1, 0.05),
        OVER,
    )
    rows = [
        [cell.text for cell in row.walk() if cell.tag in ("th", "td")][:6]
        for row in root.only("table").every("tr")
    ]
    assert [cell.split()[0] for cell in rows[0]] == [
        *("At", "Pause", "Thinking", "Synthesis", "Queue", "Total")
    ]
    assert rows[1:] == [
        ["0:10.0", "0.50", "0.20", "0.10", "0.05", "0.85"],
        ["0:20.0", "0.50", "1.20", "0.10", "0.05", "1.85"],
        ["0:30.0", "0.50", "0.40", "0.10", "0.05", "1.05"],
        ["Median", "0.50", "0.40", "0.10", "0.05", "1.05"],
    ]


def test_commands_and_notes_are_marks() -> None:
    root = drawn(
        {"at": 5.0, "kind": "command", "command": "connect", "seconds": 3.0, "outcome": "done"},
        {
            "at": 50.0,
            "kind": "command",
            "command": "spy",
            "seconds": 1.0,
            "outcome": "WSSCallError",
        },
        {"at": 7.0, "kind": "note", "text": "recognized", "details": {"text": "hello"}},
        OVER,
    )
    commands = root.lane("commands").every("svg", "mark")
    assert [mark.text for mark in commands] == ["connect", "spy: WSSCallError"]
    assert [times(mark, root)[0] for mark in commands] == pytest.approx([5.0, 50.0], abs=0.001)
    assert times(root.lane("notes").only("svg", "mark"), root)[0] == pytest.approx(7, abs=0.001)
    assert '{"text": "hello"}' in root.only("li", "note").text


def test_notes_at_every_frame_are_marks_without_texts() -> None:
    notes = [{"at": 0.02 * n, "kind": "note", "text": "level", "details": {}} for n in range(1000)]
    root = drawn(*notes, OVER)
    lane = root.lane("notes")
    assert len(lane.every("line", "stem")) == 999
    assert [mark.text for mark in lane.every("svg", "mark")] == ["level"]
    assert len(root.only("ol", "long").every("li", "note")) == 1000


def test_the_story_is_told_in_order() -> None:
    root = drawn(
        {"at": 5.0, "kind": "command", "command": "connect", "seconds": 3.0, "outcome": "done"},
        heard(1.0, 3.0),
        said(6.0, 2.0),
        OVER,
    )
    rows = root.only("ol").every("li")
    assert [row.only("span", "who").text for row in rows] == [
        *("Call", "Caller", "Command", "Agent", "Call")
    ]
    assert [float(row.attributes["data-at"]) for row in rows] == [0.0, 1.0, 5.0, 6.0, 100.0]


def test_a_conference_has_a_lane_for_each_leg() -> None:
    root = drawn(heard(10.0, 11.0, channel=1), heard(20.0, 21.0, channel=2), OVER)
    assert times(root.lane("caller").only("g", "heard").only("rect"), root) == near(10.0, 11.0)
    assert times(root.lane("callee").only("g", "heard").only("rect"), root) == near(20.0, 21.0)
    assert "+65 6222 0000" in root.lane("callee").text


def test_mixed_audio_does_not_tell_who_spoke() -> None:
    connected = {"at": 50.0, "kind": "state", "state": "CONNECTED"}
    root = drawn(heard(10.0, 11.0), connected, heard(60.0, 61.0), OVER)
    speakers = [row.only("span", "who").text for row in root.every("li", "caller")]
    assert speakers == ["Caller", "Caller or callee"]
    assert root.lane("caller").only("b").text == "Caller and callee"


def test_numbers_may_be_withheld() -> None:
    root = drawn(OVER, caller_number=None)
    assert root.only("h1").text == "number withheld → +65 6222 0000"
    assert root.lane("caller").only("div", "caption").text == "Caller"


def test_numbers_that_were_blotted_out_are_no_heading() -> None:
    root = drawn(OVER, caller_number="•••", callee_number=None)
    assert root.only("h1").text == "Call of 2026-11-28 16:35:02 UTC"
    assert "•••" not in root.only("main").text


def test_without_a_recording_nothing_can_be_played() -> None:
    root = drawn(heard(10.0, 12.0), said(13.0, 4.0), OVER)
    assert not root.every("audio")
    assert not root.every(id="play")
    assert not root.every("svg", "wave")
    assert "play and pause" not in root.only("footer").text


def test_a_timeline_whose_begin_is_missing_says_so() -> None:
    assert "3 record(s) were gone" in drawn(OVER, forgotten=3).only("p", "remark").text


def test_a_call_of_an_instant() -> None:
    root = drawn()
    assert root.only("ol").every("li")


def test_pictures_say_what_they_show() -> None:
    root = drawn(heard(10.0, 12.0), said(13.0, 4.0), turn(12.0, 0.5, 0.3, 0.1, 0.1), OVER)
    pictures = root.only(id="lanes").every("svg", role="img")
    assert len(pictures) == 4
    assert all(picture.attributes["aria-label"] for picture in pictures)
