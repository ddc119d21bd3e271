"""Listeners that are told for as long as somebody else holds them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Generic, TypeVar

ListenerT = TypeVar("ListenerT")


class WeakListeners(Generic[ListenerT]):
    """Those who are to be told something, in the order in which they came.

    What a `weakref.WeakKeyDictionary` does, and nothing else of it: they are gone through with each
    frame.
    """

    def __init__(self) -> None:
        self._references: list[weakref.ref[ListenerT]] = []

    def __bool__(self) -> bool:
        return bool(self._references)

    def __iter__(self) -> Iterator[ListenerT]:
        # A copy: the garbage collector may take a reference out of the list at any time.
        for reference in tuple(self._references):
            if (listener := reference()) is not None:
                yield listener

    def add(self, listener: ListenerT) -> None:
        """Tell this one, too, until it is removed or forgotten."""
        self._references.append(weakref.ref(listener, self._references.remove))

    def remove(self, listener: ListenerT) -> None:
        """Tell this one no longer, if it was told."""
        # In place: the references of the others take themselves out of this very list.
        self._references[:] = [
            reference for reference in self._references if reference() is not listener
        ]
