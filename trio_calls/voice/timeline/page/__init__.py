"""Private: a timeline as a page to look at and listen to, in one file that needs no network.

::

    call.jsonl ──► story_of ────┐
                                ├──► page ──► call.html
    call.wav   ──► load_sound ──┘

Sorting and drawing are pure. Only `load_sound` and `write_page` touch files.
"""

from trio_calls.voice.timeline.page._loading import SoundError, load_sound
from trio_calls.voice.timeline.page._page import page
from trio_calls.voice.timeline.page._sound import Sound
from trio_calls.voice.timeline.page._story import Story, story_of
from trio_calls.voice.timeline.page._writing import WrittenPage, write_page

__all__ = [
    "Sound",
    "SoundError",
    "Story",
    "WrittenPage",
    "load_sound",
    "page",
    "story_of",
    "write_page",
]
