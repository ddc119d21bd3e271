"""Damages what is right, for tests of what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes], words: Sequence[str]) -> bytes:
    """Right ones, spliced, cut and strewn with words of the wire."""
    data = bytearray()
    for _ in range(draw(st.integers(1, 3))):
        seed = draw(st.sampled_from(seeds))
        start = draw(st.integers(0, len(seed)))
        data += seed[:start] + draw(_junk(words)) + seed[start + draw(st.integers(0, 20)) :]
    return bytes(data)


def _junk(words: Sequence[str]) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=8) | st.sampled_from([word.encode() for word in words])
