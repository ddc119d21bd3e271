"""A thousand calls, with asyncio."""

from examples.book.beside.many_calls import one_of_many, with_asyncio
from examples.book.beside.stage import run
from examples.book.many_calls import CALLERS
from examples.book.stage import NOT_AVAILABLE


def test_who_is_too_many_hears_silence_on_an_open_line() -> None:
    scene = run(with_asyncio, one_of_many, CALLERS)
    served = [call for call in scene.calls if call.heard(NOT_AVAILABLE)]
    refused = [call for call in scene.calls if not call.heard(NOT_AVAILABLE)]
    assert (len(served), len(refused)) == (3, 6)
    assert {round(call.span.end) for call in served} == {4}
    assert {round(call.span.end) for call in refused} == {6}
    assert not any(any(call.call.caller.heard) for call in refused)
    assert sum("FullError" in text for _, text in scene.notes) == 6
