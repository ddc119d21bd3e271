"""Documents on the stream: who can read them, and what of them ever shows."""

from __future__ import annotations

import pytest

from tests.support.peers.control_words import TOKEN, ringing_call
from trio_calls import AudioFormat, WSSConfigError
from trio_calls.call.hand_over import HandOver, hand_over_of
from trio_calls.errors import WSSDispatchKeyError, WSSHandOverError
from trio_calls.fleet import new_dispatch_key
from trio_calls.fleet._sealing import Sealer

pytestmark = pytest.mark.pure

OLD, NEW, FOREIGN = (str(new_dispatch_key()) for _ in range(3))


def handed_over() -> HandOver:
    return hand_over_of(ringing_call("s"), AudioFormat(8000))


def test_it_comes_back_as_it_was() -> None:
    assert Sealer(NEW).unseal(Sealer(NEW).seal(handed_over())) == handed_over()


def test_nothing_of_it_can_be_read() -> None:
    sealed = Sealer(NEW).seal(handed_over())
    for word in (TOKEN, "call of s", "ws://", handed_over().caller_number or ""):
        assert word.encode() not in sealed


def test_two_of_one_call_have_nothing_in_common() -> None:
    one, other = (Sealer(NEW).seal(handed_over()) for _ in range(2))
    # A version and the time at their beginning, in base64.
    assert one[12:] != other[12:]


def test_workers_with_both_keys_read_what_either_has_encrypted() -> None:
    both = Sealer([NEW, OLD])
    for dispatcher in (Sealer(OLD), Sealer(NEW), both):
        assert both.unseal(dispatcher.seal(handed_over())) == handed_over()
    # The first one encrypts.
    assert Sealer(NEW).unseal(both.seal(handed_over())) == handed_over()


def test_another_key_reads_nothing_and_says_so() -> None:
    sealed = Sealer(FOREIGN).seal(handed_over())
    with pytest.raises(WSSDispatchKeyError, match="with another key") as caught:
        Sealer([NEW, OLD]).unseal(sealed)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("change", [b"", b"A", b"\xff\x00", b"=" * 50], ids=repr)
def test_what_was_tampered_with_is_not_read(change: bytes) -> None:
    sealed = Sealer(NEW).seal(handed_over())
    with pytest.raises(WSSDispatchKeyError):
        Sealer(NEW).unseal(sealed[:40] + change + sealed[42:])


def test_what_was_encrypted_may_still_be_no_call() -> None:
    sealer = Sealer(NEW)
    with pytest.raises(WSSHandOverError, match="cannot be used"):
        sealer.unseal(sealer._keys.encrypt(b'{"session_token": "s"}'))


@pytest.mark.parametrize("key", ["", "secret-key", "ü" * 44, "A" * 42])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(WSSConfigError, match="not a dispatch key") as caught:
        Sealer(key)
    assert not key or key not in str(caught.value)
    assert caught.value.__context__ is None


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(WSSConfigError, match="there is no dispatch key"):
        Sealer([])


def test_a_new_key_shows_in_no_repr() -> None:
    key = new_dispatch_key()
    assert str(key) not in repr([key])
    assert new_dispatch_key() != key
