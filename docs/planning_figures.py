"""Writes the figures of the page on planning: arithmetic on what was measured.

`python docs/planning_figures.py` brings them up to date, and a test says when they are not.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Final

import attrs

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this describes the checkout that it is in, installed or not.
sys.path.insert(0, str(CHECKOUT))

from benchmarks.figures import Results  # noqa: E402
from benchmarks.fleet.planning import Planning  # noqa: E402
from benchmarks.fleet.rolling import Rolling, markdown  # noqa: E402
from benchmarks.report import RESULTS  # noqa: E402
from benchmarks.summary import Key, summarize  # noqa: E402
from benchmarks.voice.figures import VoiceResults  # noqa: E402
from trio_calls.telemetry._catalogue import METRICS, Kind  # noqa: E402
from trio_calls.wire.codec import encode  # noqa: E402
from trio_calls.wire.first.media import BufferRequest, pack_audio  # noqa: E402

PLANNING_PAGE: Final = CHECKOUT / "docs" / "how-to" / "plan-a-fleet.rst"
DEPLOYMENT_PAGE: Final = CHECKOUT / "docs" / "how-to" / "deploy.rst"

MESSAGES_A_SECOND: Final = 50
#: What a message of a server has in front of it, from 126 bytes on; and what a client adds.
_WEBSOCKET_HEAD, _MASK = 4, 4
#: IPv4, and TCP with its timestamps; TLS 1.3.
_TCP_IP_BYTES, _TLS_BYTES = 52, 22

#: Of the places of a worker, how many are to be taken; and how long a call lasts.
_FILLED: Final = 0.7
CALL_SECONDS: Final = 180
#: What a worker may spend on offers that others take.
_LOST_SHARE: Final = 0.05

#: What the directory of calls asks of Redis: a test counts it.
COMMANDS_A_CALL: Final = 20

SIZES: Final = (10, 1_000, 100_000)


def newest(folder: str) -> Path:
    """Find the newest results of a kind."""
    return max((RESULTS / folder).glob("*.json"))


@attrs.frozen
class Wire:
    """A call's messages over its media connection, both sides talking, frames of 20 ms.

    Attributes:
      rate: of its audio, in Hz.
    """

    rate: int

    @property
    def _audio(self) -> int:
        return len(pack_audio(0, bytes(self.rate // MESSAGES_A_SECOND * 2))) + _WEBSOCKET_HEAD

    @property
    def _request(self) -> int:
        size = self.rate // MESSAGES_A_SECOND * 2
        request = encode(BufferRequest(requested_bytes=size, frame_bytes=size))
        head = 2 if len(request) < 126 else _WEBSOCKET_HEAD  # noqa: PLR2004
        return len(request) + head

    @property
    def sent(self) -> int:
        """Bytes of WebSocket that an agent sends in a second."""
        return MESSAGES_A_SECOND * (self._audio + _MASK)

    @property
    def received(self) -> int:
        """Bytes of WebSocket that it receives in a second."""
        return MESSAGES_A_SECOND * (self._audio + self._request)

    def on_the_line(self, payload: int) -> int:
        """Return bits a second, with TLS, TCP and IP: one segment for each message."""
        return 8 * (payload + MESSAGES_A_SECOND * (_TCP_IP_BYTES + _TLS_BYTES))


@attrs.frozen
class Figures:
    """What was measured, and what follows from it."""

    fast: Results
    voice: VoiceResults
    planning: Planning
    rolling: Rolling

    @classmethod
    def load(cls) -> Figures:
        """Read the newest results."""
        fast = max(path for path in RESULTS.glob("*.json") if not path.stem.endswith("-tls"))
        return cls(
            Results.load(fast),
            VoiceResults.load(newest("voice")),
            Planning.load(newest("planning")),
            Rolling.load(newest("rolling")),
        )

    def carried(self, agent: str) -> int:
        """Return how many calls of an agent one core carried."""
        (calls,) = [one.calls for one in self.voice.capacities if one.agent == agent]
        return calls

    def memory(self, agent: str) -> float:
        """Return the memory of its calls, in MB each."""
        sizes = sorted(one.resident_mb_per_call for one in self.voice.loads if one.agent == agent)
        return sizes[len(sizes) // 2]

    @property
    def plain_memory(self) -> float:
        """The memory of a call that is echoed, in MB."""
        return summarize(self.fast)[Key("fast", 200, 20)].resident_mb

    @property
    def series(self) -> int:
        """How many series of Prometheus a worker is."""
        counts = [
            len(one.bounds) + 3 if one.kind is Kind.HISTOGRAM else len(one.values)
            for one in METRICS
        ]
        return sum(counts) + 1  # the load, which is worked out

    @property
    def most_calls_by_broadcast(self) -> float:
        """Calls at once whose offers cost each worker no more than a twentieth of its core."""
        offers_a_second = _LOST_SHARE / self.planning.lost_offer_cpu_ms * 1000
        return round(offers_a_second * CALL_SECONDS, -2)


@attrs.frozen
class Fleet:
    """Workers for so many calls at once, each with an ear of Silero's.

    Attributes:
      figures: what each takes.
      calls: how many at once.
    """

    figures: Figures
    calls: int

    @property
    def cores(self) -> float:
        return self.calls / self.figures.carried("voice-silero")

    @property
    def workers(self) -> int:
        return math.ceil(self.cores / _FILLED)

    @property
    def memory_gb(self) -> float:
        idle = self.workers * self.figures.planning.idle_resident_mb
        return (idle + self.calls * self.figures.memory("voice-silero")) / 1000

    @property
    def offers(self) -> float:
        return self.calls / CALL_SECONDS

    @property
    def lost_share(self) -> float:
        lost = self.offers * (1 - 1 / self.workers)
        return lost * self.figures.planning.lost_offer_cpu_ms / 1000

    @property
    def notifications(self) -> float:
        return self.offers * self.workers

    @property
    def commands(self) -> float:
        return self.offers * COMMANDS_A_CALL + self.workers


def carried_table(figures: Figures) -> list[list[str]]:
    """Tell how many calls a core carries, and what memory each takes."""
    agents = {
        "echo-alone": "says back what it hears",
        "voice-webrtc": "listens with WebRTC's detector",
        "voice-silero": "listens with Silero's",
        "voice-silero-recorded": "listens with Silero's, and records both sides",
    }
    rows = [
        [what, f"{figures.carried(agent)}", f"{figures.memory(agent):.2f} MB"]
        for agent, what in agents.items()
    ]
    return [["an agent that", "calls on a core", "memory of a call"], *rows]


def wire_table() -> list[list[str]]:
    """Tell what a call sends and receives."""
    head = ["sample rate", "sends", "on the line", "receives", "on the line"]
    rows = []
    for rate in (8000, 16000, 24000):
        wire = Wire(rate)
        rows.append(
            [
                f"{rate} Hz",
                f"{wire.sent:,} bytes/s",
                f"{wire.on_the_line(wire.sent) / 1000:.0f} kbit/s",
                f"{wire.received:,} bytes/s",
                f"{wire.on_the_line(wire.received) / 1000:.0f} kbit/s",
            ]
        )
    return [head, *rows]


def sizes_table(figures: Figures) -> list[list[str]]:
    """Tell what so many calls at once take."""
    fleets = [Fleet(figures, calls) for calls in SIZES]
    wire = Wire(24000)
    sent, received = (wire.on_the_line(one) for one in (wire.sent, wire.received))
    rows = {
        "cores that are busy": [f"{fleet.cores:.1f}" for fleet in fleets],
        "workers, filled to 70 %": [f"{fleet.workers:,}" for fleet in fleets],
        "memory": [f"{fleet.memory_gb:.1f} GB" for fleet in fleets],
        "connections": [f"{fleet.calls + fleet.workers:,}" for fleet in fleets],
        "sent, 24 kHz": [_bits(fleet.calls * sent) for fleet in fleets],
        "received, 24 kHz": [_bits(fleet.calls * received) for fleet in fleets],
        "messages a second, each way": [f"{fleet.calls * MESSAGES_A_SECOND:,}" for fleet in fleets],
        "offers a second": [_plain(fleet.offers) for fleet in fleets],
        "of a worker's core, for offers that others take": [
            f"{_plain(100 * fleet.lost_share)} %" for fleet in fleets
        ],
        "notifications a second that the exchange writes": [
            _plain(fleet.notifications) for fleet in fleets
        ],
        "commands of Redis a second": [_plain(fleet.commands) for fleet in fleets],
        "series of Prometheus": [f"{fleet.workers * figures.series:,}" for fleet in fleets],
    }
    head = ["calls at once", *(f"{calls:,}" for calls in SIZES)]
    return [head, *([what, *cells] for what, cells in rows.items())]


def rolling_table(figures: Figures) -> list[list[str]]:
    """Tell what came of replacing every worker."""
    lines = markdown(figures.rolling).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells[0], *cells[2:]]


def numbers(figures: Figures) -> str:
    """Write the numbers that stand in the text."""
    largest = Fleet(figures, SIZES[-1])
    told = {
        "idle": f"{figures.planning.idle_resident_mb:.0f}",
        "descriptors": f"{figures.planning.idle_descriptors}",
        "offer": f"{figures.planning.lost_offer_cpu_ms:.1f}",
        "lost": f"{largest.lost_share:.0%}".replace("%", " %"),
        "notifications": f"{round(largest.notifications, -3):,.0f}",
        "commands": f"{COMMANDS_A_CALL}",
        "rolled": f"{figures.rolling.plan.calls}",
        "broadcast": f"{figures.most_calls_by_broadcast:,.0f}",
    }
    return "\n".join(f".. |{name}| replace:: {number}" for name, number in told.items())


def _plain(number: float) -> str:
    """Write a number with two digits, or as a whole one."""
    if number == 0 or number >= 10:  # noqa: PLR2004
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def _bits(number: float) -> str:
    for unit in ("kbit/s", "Mbit/s"):
        number /= 1000
        if number < 1000:  # noqa: PLR2004
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} Gbit/s"


def list_table(rows: list[list[str]]) -> str:
    """Write a table as reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'* -' if index == 0 else '  -'} {cell}" for index, cell in enumerate(row)]
    return "\n".join(line.rstrip() for line in lines)


def with_tables(text: str, figures: Figures) -> str:
    """Put tables and numbers between their marks in a page."""
    made = {
        "carried": list_table(carried_table(figures)),
        "wire": list_table(wire_table()),
        "sizes": list_table(sizes_table(figures)),
        "rolling": list_table(rolling_table(figures)),
        "numbers": numbers(figures),
    }
    for name, lines in made.items():
        begin, end = f".. {name}: begin\n", f".. {name}: end\n"
        if begin in text:
            before, _, rest = text.partition(begin)
            after = rest.partition(end)[2]
            text = f"{before}{begin}\n{lines}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    for page in (PLANNING_PAGE, DEPLOYMENT_PAGE):
        page.write_text(with_tables(page.read_text("utf-8"), Figures.load()), "utf-8")
