"""What one stranger sends to the port of a simulator ends nothing but that connection."""

import trio

from trio_calls import ActiveCall, CallState, events, open_call_client
from trio_calls.simulator import Simulator, open_simulator

HEAD = (
    b"GET /v1/agent/session-manager HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
)

STRANGERS = [
    b"",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # a hello of TLS
    b"\xff\xfe" * 1000,
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    HEAD + b"\r\n",
    HEAD + b"x-api-key: \xff\xdc\r\nx-connector-uuid: \xff\r\n\r\n",
    HEAD + b"X-\xdc: 1\r\n\r\n",
    HEAD + b"Sec-WebSocket-Extensions: x-\xdc\r\n\r\n",
    HEAD + b"Origin: \xff\r\n\r\n",
    HEAD + b"Content-Length: nonsense\r\n\r\n",
    HEAD.replace(b"Host: localhost", b"Host: \xff\xfe") + b"\r\n",
    HEAD.replace(b"/v1/agent/session-manager", b"/v1/\xff") + b"\r\n",
    HEAD.replace(b"/v1/agent/session-manager", b"/media/\xff%ff") + b"\r\n",
    HEAD[:100],
]


async def answer(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


async def still_serves(simulator: Simulator) -> bool:
    """Whether an agent is served, over another connection."""
    with trio.fail_after(10):
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(answer)
            call = simulator.place_call()
            await call.caller.wait_talking()
            return call.agent_states[-1] is CallState.ANSWERED


async def test_no_stranger_ends_a_simulator() -> None:
    async with open_simulator(port=0) as simulator:
        assert simulator.port is not None
        for data in STRANGERS:
            for hangs_up in (True, False):
                stream = await trio.open_tcp_stream("127.0.0.1", simulator.port)
                await stream.send_all(data)
                if hangs_up:
                    await stream.send_eof()
                with trio.move_on_after(0.05):
                    while await stream.receive_some():
                        pass
                await stream.aclose()
        assert await still_serves(simulator)
