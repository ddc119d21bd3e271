"""What a page can make go wrong, by name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from trio_calls.simulator import Fault, cut_media, jitter, never_answer, refuse, stall
from trio_calls.wire.names import CALL_UNANSWERED

_STALL_SECONDS: Final = 5.0
_JITTER_SECONDS: Final = 0.2


@attrs.frozen
class NamedFault:
    """A fault of the menu.

    Attributes:
      name: how a page asks for it.
      title: what people read.
      make: makes it.
      needs_call: whether it concerns a call that goes on, rather than the next one as well.
    """

    name: str
    title: str
    make: Callable[[], Fault]
    needs_call: bool = True


FAULTS: Final[tuple[NamedFault, ...]] = (
    NamedFault("cut_media", "Cut the agent's media connection", cut_media),
    NamedFault(
        "stall",
        f"Stall the agent's media connection for {_STALL_SECONDS:g} s",
        lambda: stall(seconds=_STALL_SECONDS),
    ),
    NamedFault(
        "jitter",
        f"Delay everything to the agent by up to {1000 * _JITTER_SECONDS:.0f} ms",
        lambda: jitter(seconds=_JITTER_SECONDS),
    ),
    NamedFault(
        "never_answer",
        "Never answer the agent's next connect()",
        lambda: never_answer("call.connect"),
        needs_call=False,
    ),
    NamedFault(
        "refuse",
        "Refuse the agent's next connect()",
        lambda: refuse("call.connect", error_code=CALL_UNANSWERED),
        needs_call=False,
    ),
)

FAULTS_BY_NAME: Final[Mapping[str, NamedFault]] = MappingProxyType(
    {fault.name: fault for fault in FAULTS}
)
