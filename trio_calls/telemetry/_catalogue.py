"""What is counted and measured, by the names that Prometheus knows it by.

Names and units are as Prometheus' own rules have them: one prefix, base units, ``_total`` for what
only grows (it is added when a metric is written down). There is one label at the most, and its
values are known beforehand. So a worker has the same series from its first moment on, however many
calls it serves, and none of them tells of a single call.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

from trio_calls.client.observers import Loss
from trio_calls.endings import EndCause
from trio_calls.state import CallState


class Kind(enum.Enum):
    """What a number means, and so what becomes of it when workers are added up."""

    COUNTER = "counter"
    """It only grows. A worker that has ended still counts."""

    GAUGE = "gauge"
    """How it is now. A worker that has ended counts no more."""

    HISTOGRAM = "histogram"
    """How many seconds it took, how often. A worker that has ended still counts."""


@attrs.frozen(eq=False)
class Metric:
    """One metric.

    Attributes:
      name: its name, without the ``_total`` of a counter.
      text: what it is, in a sentence.
      kind: what its numbers mean.
      label: the name of its label, if it has one.
      values: the values of its label; one that is empty where there is none.
      bounds: of a histogram's buckets, in seconds, from the least to the greatest.
    """

    name: str
    text: str
    kind: Kind
    label: str | None = None
    values: tuple[str, ...] = ("",)
    bounds: tuple[float, ...] = ()


def state_value(state: CallState) -> str:
    """Return a state as the value of a label."""
    return state.name.lower()


def cause_value(cause: EndCause) -> str:
    """Return what has ended a call as the value of a label."""
    return cause.name.lower()


def loss_value(loss: Loss) -> str:
    """Return why an offer was lost as the value of a label."""
    return str(loss.value)


CALLS: Final = Metric(
    "trio_calls_calls",
    "Calls whose handlers are at work, by state.",
    Kind.GAUGE,
    "state",
    tuple(map(state_value, CallState)),
)
CAPACITY: Final = Metric(
    "trio_calls_capacity_calls",
    "Calls that there may be at a time (max_concurrent_calls), +Inf if there is no limit.",
    Kind.GAUGE,
)
WORKERS: Final = Metric("trio_calls_workers", "Processes that serve calls.", Kind.GAUGE)
CONNECTED: Final = Metric(
    "trio_calls_connected_workers", "Processes that are connected to the exchange.", Kind.GAUGE
)
DRAINING: Final = Metric(
    "trio_calls_draining_workers", "Processes that take no new calls any more.", Kind.GAUGE
)
OFFERS_SEEN: Final = Metric(
    "trio_calls_offers_seen", "Calls that the exchange has offered.", Kind.COUNTER
)
OFFERS_CLAIMED: Final = Metric(
    "trio_calls_offers_claimed", "Offers that have become calls here.", Kind.COUNTER
)
OFFERS_LOST: Final = Metric(
    "trio_calls_offers_lost",
    "Offers that have not become calls here, by reason.",
    Kind.COUNTER,
    "reason",
    tuple(map(loss_value, Loss)),
)
CALLS_ENDED: Final = Metric(
    "trio_calls_calls_ended",
    "Calls that are over for the agent, by what has ended them.",
    Kind.COUNTER,
    "cause",
    tuple(map(cause_value, EndCause)),
)
RECONNECTS: Final = Metric(
    "trio_calls_reconnects", "Connections to the exchange that have replaced one.", Kind.COUNTER
)
RECEIVED_BYTES: Final = Metric(
    "trio_calls_received_bytes", "Bytes of audio that came from the exchange.", Kind.COUNTER
)
SENT_BYTES: Final = Metric(
    "trio_calls_sent_bytes", "Bytes of the agents' speech that went to the exchange.", Kind.COUNTER
)
DROPPED_FRAMES: Final = Metric(
    "trio_calls_dropped_frames",
    "Frames of received audio that were dropped, as a reader was slow or absent.",
    Kind.COUNTER,
)
STARVED_SECONDS: Final = Metric(
    "trio_calls_credit_starved_seconds",
    "Seconds for which agents were silent, summed over calls, as the exchange did not ask for the "
    "speech that waited.",
    Kind.COUNTER,
)
SATURATED_SECONDS: Final = Metric(
    "trio_calls_saturated_seconds",
    "Seconds for which there was no room for another call, summed over processes.",
    Kind.COUNTER,
)
ANSWER_SECONDS: Final = Metric(
    "trio_calls_offer_to_answer_seconds",
    "Seconds from a call's offer until it was answered or connected.",
    Kind.HISTOGRAM,
    bounds=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0),
)
REACTION_SECONDS: Final = Metric(
    "trio_calls_reaction_seconds",
    "Seconds from the caller's silence to the agent's first audio, where a voice measures them.",
    Kind.HISTOGRAM,
    bounds=(0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0),
)
LAG_SECONDS: Final = Metric(
    "trio_calls_event_loop_lag_seconds",
    "Seconds by which a task woke up late, four times a second.",
    Kind.HISTOGRAM,
    bounds=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)

METRICS: Final = (
    WORKERS,
    CONNECTED,
    DRAINING,
    CALLS,
    CAPACITY,
    OFFERS_SEEN,
    OFFERS_CLAIMED,
    OFFERS_LOST,
    CALLS_ENDED,
    RECONNECTS,
    RECEIVED_BYTES,
    SENT_BYTES,
    DROPPED_FRAMES,
    STARVED_SECONDS,
    SATURATED_SECONDS,
    ANSWER_SECONDS,
    REACTION_SECONDS,
    LAG_SECONDS,
)

#: Worked out of others, and so nothing that could be added up.
LOAD: Final = Metric(
    "trio_calls_load_ratio", "Calls over capacity, from 0 to 1; 0 if there is no limit.", Kind.GAUGE
)
