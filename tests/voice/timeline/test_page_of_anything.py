"""A page can be made of whatever a timeline may tell, in whatever order."""

import re
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.timelines import drawn, read_page, told
from trio_calls.voice import EndReason, SpeechEnding, TimelineError
from trio_calls.voice.timeline.page import page, story_of
from trio_calls.voice.timeline.records import KNOWN_KINDS, VERSION, CallOpened, Record

pytestmark = pytest.mark.pure

TIMES = st.floats(-100, 10_000)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "channel": st.integers(0, 4),
    "details": st.dictionaries(st.text(), st.integers()),
    "ending": st.none() | st.text(),
    "failure": st.none() | st.text(),
    "forgotten": st.integers(0, 9),
    "is_text_estimated": st.booleans(),
    "reason": st.text(),
    "sample_rate": st.just(8000),
    "start": st.none() | TIMES,
    "text": st.none() | st.text(),
    "version": st.just(VERSION),
    **dict.fromkeys(("call_id", "opened_at", "state", "command", "outcome", "path"), st.text()),
    **dict.fromkeys(("caller_number", "callee_number", "mode"), st.none() | st.text()),
}
OTHERWISE: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "heard": {"reason": st.sampled_from(EndReason), "start": TIMES},
    "mode": {"mode": st.text()},
    "note": {"text": st.text()},
    "recording": {"start": TIMES},
    "said": {"ending": st.sampled_from(SpeechEnding)},
}


def records_of(kind: type[Record]) -> st.SearchStrategy[Record]:
    fields = [field.name for field in attrs.fields(kind)]
    known = {**VALUES, **OTHERWISE.get(kind.kind, {})}
    values = {name: known.get(name, TIMES) for name in fields}
    return st.builds(kind, **values)


@given(
    records_of(CallOpened),
    st.lists(st.one_of([records_of(kind) for kind in KNOWN_KINDS[1:]]), max_size=12),
)
def test_a_page_of_anything(call: Record, records: list[Record]) -> None:
    text = page(story_of([call, *records]))
    root = read_page(text)
    shares = [
        float(value.removesuffix("%"))
        for element in root.walk()
        for name, value in element.attributes.items()
        if name in ("x", "x1", "x2", "width") and re.search(r"\d%$|nan|inf", value)
    ]
    assert all(0 <= share <= 100 for share in shares)


@pytest.mark.parametrize("at", [1e300, -1e300, 3e6])
def test_times_that_are_those_of_no_call(at: float) -> None:
    with pytest.raises(TimelineError, match="more than 30 days apart"):
        told({"at": at, "kind": "note", "text": "", "details": {}})


def test_a_call_of_days() -> None:
    root = drawn({"at": 86400.0, "kind": "note", "text": "still there", "details": {}})
    assert "24 h 0 min" in root.only("dl").text
    assert len(root.only(id="ruler").every("text")) > 3
