"""Opening a simulator, in process or on a port."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, get_args
from urllib.parse import urlsplit

import attrs
import trio

from trio_calls.audio import FRAME_SECONDS
from trio_calls.concurrency.trio_run import require_trio
from trio_calls.config import ClientConfig, WireName, is_number
from trio_calls.errors import WSSConfigError
from trio_calls.simulator._in_process import MemoryListener
from trio_calls.simulator._partner import Partner
from trio_calls.simulator._partners import AGENT_NUMBER, Partners
from trio_calls.simulator._placed_calls import PlacedCalls
from trio_calls.simulator._server import SecondMediaConnection, Server
from trio_calls.simulator._simulated_call import SimulatedCall
from trio_calls.simulator.exchange.admission import Admission, HostNames
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.violations import Violation
from trio_calls.simulator.faults.injection import Fault, Faults
from trio_calls.simulator.faults.triggers import Moment
from trio_calls.simulator.phones.phone import Pickup, answers
from trio_calls.simulator.transcript.transcript import Transcript
from trio_calls.state import AgentMode

_IN_PROCESS_URL: Final = "ws://simulator"
_LAST_PORT: Final = 65535

#: A year: whoever wants more wants all of it.
_LONGEST_AUDIO_SECONDS: Final = 366 * 86400.0


class Simulator:
    """An exchange for virtual telephones, and for people who write. Opened by `open_simulator`."""

    def __init__(
        self,
        exchange: Exchange,
        calls: PlacedCalls,
        partners: Partners,
        faults: Faults,
        config: ClientConfig,
    ) -> None:
        self._exchange = exchange
        self._calls = calls
        self._partners = partners
        self._faults = faults
        self._config = config

    @property
    def config(self) -> ClientConfig:
        """The settings with which an SDK reaches this simulator."""
        return self._config

    @property
    def port(self) -> int | None:
        """The TCP port on which it is served, or None if it is reached in process only."""
        return None if self._config.open_stream else urlsplit(self._config.base_url).port

    @property
    def calls(self) -> list[SimulatedCall]:
        """The calls in the order in which they were placed: all, or those that are kept."""
        return self._calls.kept

    @property
    def partners(self) -> list[Partner]:
        """Those who have written, in the order in which they did first: all, or those kept."""
        return self._partners.kept

    @property
    def violations(self) -> list[Violation]:
        """What SDKs did against the protocol, oldest first. Also logged, at WARNING."""
        return list(self._exchange.violations.violations)

    @property
    def transcript(self) -> Transcript:
        """What has travelled so far on all connections; `SimulatedCall.transcript` is for one call.

        The newest 20,000 entries are kept.
        """
        return self._exchange.log.transcript()

    def inject(
        self,
        fault: Fault,
        *,
        call: SimulatedCall | Partner | None = None,
        when: Moment | None = None,
    ) -> None:
        """Make something go wrong.

        Args:
          fault: what: `cut_media`, `cut_control`, `restart`, `answer_late`, `never_answer`,
            `answer_twice`, `refuse`, `send_malformed`, `stall`, `jitter` or `duplicate_offer`.
          call: whose connections are concerned: a call's, or those of a partner who writes; None:
            all.
          when: `after`, `at_frame` or `at_random`; None: now. Nothing happens to a connection that
            is not open then, but a fault of a command or `jitter` waits for one.
        """
        self._faults.inject(fault, None if call is None else call.session_id, when)

    def place_call(
        self,
        *,
        caller: str = "+65 9111 0000",
        callee: str = "+65 6222 0000",
        pickup: Pickup | None = None,
    ) -> SimulatedCall:
        """Have one telephone call another. Every SDK is offered the call; the caller hears ringing.

        Args:
          caller: the number that calls.
          callee: the number that is called; its telephone rings only when an agent connects it.
          pickup: what the callee does then: `answers` (the default), `declines`, `never_answers`.

        Raises:
          ValueError: a number is longer than 512 characters.
        """
        return self._calls.place(caller=caller, callee=callee, pickup=pickup or answers())

    def set_pickup(self, number: str, pickup: Pickup) -> None:
        """Say what the telephone of a number does when an agent calls it.

        An agent starts a call with `CallClient.sessions`; it is in `calls` from then on, and its
        `SimulatedCall.callee` is that telephone. It rings when the agent is ready for the call, for
        60 s at the most.

        Args:
          number: as agents give it.
          pickup: `answers` (the default), `declines`, `never_answers`.
        """
        self._calls.set_pickup(number, pickup)

    def place_message(
        self,
        *,
        sender: str = "6591110000",
        receiver: str = AGENT_NUMBER,
        content: str | Mapping[str, Any] = "Hello",
    ) -> Partner:
        """Have somebody write over WhatsApp. Every SDK is offered the conversation.

        Args:
          sender: the number that writes, in WhatsApp's form: digits only.
          receiver: the number that is written to.
          content: what is written, as `Partner.write` has it.

        Returns:
          The partner, who can write more, and reads what is answered. It is the same one as long as
          the conversation with this number is open.

        Raises:
          ValueError: a number is longer than 512 characters, or `content` is no JSON.
        """
        return self._partners.place(sender=sender, receiver=receiver, content=content)

    def end_all_calls(self) -> None:
        """Hang up every telephone at once."""
        self._exchange.end_all_calls()


@asynccontextmanager
async def open_simulator(
    *,
    port: int | None = None,
    host: str = "127.0.0.1",
    sample_rate: int = 24000,
    api_key: str = "simulated-key",
    connector_uuid: str = "simulated-connector",
    seed: int = 0,
    allowed_hosts: Iterable[str] = (),
    allowed_origins: Iterable[str] = (),
    max_connections: int = 500,
    minimum_sdk_version: str | None = None,
    keep_finished_calls: int | None = None,
    keep_audio_seconds: float | None = None,
    second_media_connection: SecondMediaConnection = "refuse",
    wire: WireName = "first",
    mode_after_connect: AgentMode = AgentMode.BARGE,
) -> AsyncIterator[Simulator]:
    """Run an exchange for the duration of the block.

    All its time is Trio's, so that in process it works on a `trio.testing.MockClock`.

    Args:
      port: serve on this TCP port; 0 picks a free one. None: in process only, over memory streams.
      host: the address to serve on.
      sample_rate: the sample rate of the telephones, in Hz: 8000, 16000 or 24000, and of all audio
        that is given to them or read here. An SDK that asks for another one gets it: what it says
        and hears is converted, which takes soxr (``trio-calls[cli]``) and 10 to 30 ms.
      api_key: what SDKs must give as their API key.
      connector_uuid: what SDKs must give as their connector UUID.
      seed: seeds all ids, tokens and random choices. The same seed and the same run in virtual
        time make the same `Simulator.transcript`, byte for byte.
      allowed_hosts: names that lead to the port, besides `host`, the address that this comes to,
        and ``localhost``. A request for another name is refused, with HTTP 421: a web page may have
        let its own name point here. On the address ``0.0.0.0`` or ``::`` every address is right.
      allowed_origins: web pages that may connect, such as ``http://localhost:3000``. Others are
        refused, with HTTP 403.
      max_connections: how many connections the port takes; more are refused, with HTTP 503. As
        many again may be in their handshake; what comes beyond that is dropped.
      minimum_sdk_version: the oldest SDK that is let in. One whose ``x-sdk-version`` is missing or
        less is refused, with HTTP 426. None: none is too old.
      keep_finished_calls: how many of the calls that are over stay in `Simulator.calls`, the
        latest, and as many conversations in `Simulator.partners`; the others are forgotten, as if
        they had never been. None: all stay.
      keep_audio_seconds: how much is kept of what each party of a call hears and says, the latest
        seconds. None: all of it. With this and `keep_finished_calls` a simulator can run for
        months.
      second_media_connection: what happens when a media connection is opened for a call that has
        one, as two processes may do with the same token: ``refuse`` answers with HTTP 409;
        ``replace`` closes the first, and the second has the call as it is. Nobody outside knows
        what a real exchange does.
      wire: which generation of the exchange `Simulator.config` speaks. The simulator understands
        each connection in its own, whatever this says.
      mode_after_connect: who hears an agent after ``connect()``, until it says otherwise. An
        exchange that is newer than the second wire is said to begin with ``AgentMode.SPY``.
        `Simulator.config` says so, too.

    Raises:
      WSSConfigError: a setting makes no sense.
      OSError: the port cannot be served on.
      RuntimeError: this is not Trio, but for instance asyncio.

    An error in the block comes out in an exception group, as from a nursery.

    Leaving the block, also by cancellation, hangs up every telephone and drops every connection at
    once. Nothing is left running.
    """
    require_trio()
    config = ClientConfig.sandbox(
        api_key=api_key,
        connector_uuid=connector_uuid,
        sample_rate=sample_rate,
        base_url=_IN_PROCESS_URL,
        wire=wire,
    )
    config = attrs.evolve(config, mode_after_connect=mode_after_connect)
    _check_integer("seed", seed, -math.inf)
    _check_integer("max_connections", max_connections, 1)
    if port is not None:
        _check_integer("port", port, 0, _LAST_PORT)
    if keep_finished_calls is not None:
        _check_integer("keep_finished_calls", keep_finished_calls, 0)
    if keep_audio_seconds is not None and not is_number(
        keep_audio_seconds, FRAME_SECONDS, _LONGEST_AUDIO_SECONDS
    ):
        raise WSSConfigError(
            f"keep_audio_seconds must be {FRAME_SECONDS:g} or more, not {keep_audio_seconds!r}"
        )
    if second_media_connection not in get_args(SecondMediaConnection):
        raise WSSConfigError(
            f"second_media_connection must be refuse or replace, not {second_media_connection!r}"
        )
    host_names = None if port is None else HostNames([host, *allowed_hosts])
    admission = Admission(
        {"x-api-key": api_key, "x-connector-uuid": connector_uuid},
        host_names,
        allowed_origins,
        minimum_sdk_version,
    )
    listeners = [] if port is None else await trio.open_tcp_listeners(port, host=host)
    if host_names is not None:
        for listener in listeners:
            host_names.add_bound(listener.socket.getsockname()[0])
        config = attrs.evolve(config, base_url=_address_of(listeners[0]))
    async with trio.open_nursery() as nursery:
        exchange = Exchange(
            base_url=config.base_url,
            sample_rate=sample_rate,
            nursery=nursery,
            seed=seed,
            is_in_process=not listeners,
            keep_audio_seconds=keep_audio_seconds,
            mode_after_connect=config.mode_after_connect,
        )
        calls = PlacedCalls(exchange, keep_finished_calls)
        server = Server(
            exchange,
            calls,
            admission,
            max_connections if listeners else math.inf,
            second_media_connection,
        )
        if listeners:
            nursery.start_soon(trio.serve_listeners, server.serve, listeners)
        else:
            config = attrs.evolve(config, open_stream=MemoryListener(server, nursery).open_stream)
        partners = Partners(exchange, keep_finished_calls)
        simulator = Simulator(exchange, calls, partners, Faults(exchange, seed), config)
        try:
            yield simulator
        finally:
            simulator.end_all_calls()
            nursery.cancel_scope.cancel()


def _check_integer(name: str, value: object, least: float, most: float = math.inf) -> None:
    if not isinstance(value, int) or not is_number(value, least, most):
        upper = "or more" if most == math.inf else f"to {most:g}"
        bounds = f" of {least:g} {upper}" if least > -math.inf else ""
        raise WSSConfigError(f"{name} must be a whole number{bounds}, not {value!r}")


def _address_of(listener: trio.SocketListener) -> str:
    address, port = listener.socket.getsockname()[:2]
    return f"ws://[{address}]:{port}" if ":" in address else f"ws://{address}:{port}"
