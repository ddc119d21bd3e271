"""`trio-calls dispatch`, and `run --from-redis`: what they are told, and what they say."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
import trio

from tests.support.agent_files import agent_file
from tests.support.dispatch import KEY
from tests.support.processes import running, settings_of
from tests.support.redis_server import open_redis_server
from tests.support.waiting import until
from tests.support.wires import on_the_second_wire
from trio_calls import cli
from trio_calls.audio import find, noise
from trio_calls.config import WireName
from trio_calls.fleet._sealing import Sealer
from trio_calls.simulator import open_simulator

KEYS = {"WSS_API_KEY": "a", "WSS_CONNECTOR_UUID": "b", "WSS_DISPATCH_KEY": KEY}
NOWHERE = "redis://127.0.0.1:1"
MONITOR = "127.0.0.1:9"

AGENT = """
from trio_calls.audio import level_dbfs, noise

async def choose_queue(call):
    return "vip" if call.caller_number == "+65 1" else "calls"

async def handle_call(call):
    await call.answer()
    await call.send_audio(noise(0.5, call.audio_format.sample_rate, 1))
    heard = b""
    async for chunk in call.audio_stream():
        heard += chunk
        if level_dbfs(heard[-3200:]) > -40:
            print("heard the caller", flush=True)
            break
    await call.wait_disconnected()
"""

#: What the agent says.
PROMPT = noise(0.5, 24000, 1)


class Said:
    """What commands print that fail.

    Attributes:
      words: on standard error, by the last one.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agent: str
    ) -> None:
        self.words = ""
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._agent = agent

    def by(self, arguments: list[str], variables: dict[str, str]) -> int:
        """Run a command in this environment, and return its exit status."""
        for name in ("WSS_REDIS_URL", "WSS_DISPATCH_KEY"):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)
        status = cli.main([self._agent if word == "AGENT" else word for word in arguments])
        self.words = self._capsys.readouterr().err
        return status


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Said:
    return Said(monkeypatch, capsys, agent_file(tmp_path, AGENT))


def test_a_new_key_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dispatch", "--new-key"]) == 0
    Sealer(capsys.readouterr().out.strip())


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "words"),
    [
        (["dispatch"], {}, 2, "where is Redis? Set WSS_REDIS_URL, or use --redis"),
        (["dispatch", "--redis", NOWHERE], {}, 1, "WSS_DISPATCH_KEY is not set"),
        (["dispatch", "--redis", NOWHERE], KEYS, 1, "Redis cannot be reached"),
        (["dispatch", "--redis", "http://redis"], KEYS, 1, "the address of Redis is none"),
        (["dispatch", "--redis", NOWHERE, "choose.py"], KEYS, 2, "choose.py:FUNCTION"),
        (["dispatch", "--redis", NOWHERE, "--ring-seconds", "0"], KEYS, 1, "1 to 600"),
        (["run", "AGENT", "--queue", "vip"], KEYS, 2, "--queue goes with --from-redis"),
        (["run", "AGENT", "--from-redis", NOWHERE, "--queue", "a b"], KEYS, 2, "letters, digits"),
        (["run", "AGENT", "--from-redis", NOWHERE, "--simulate"], KEYS, 2, "leave --from-redis"),
        (["run", "AGENT", "--from-redis", NOWHERE, "--workers", "2"], KEYS, 2, "leave --workers"),
        (
            ["run", "AGENT", "--from-redis", NOWHERE, "--monitor", MONITOR],
            KEYS,
            2,
            "leave --monitor",
        ),
        (["run", "AGENT", "--from-redis", NOWHERE, "--fleet", NOWHERE], KEYS, 2, "leave --fleet"),
        (["run", "AGENT", "--from-redis", NOWHERE, "--show-numbers"], KEYS, 2, "leave --show-num"),
        (["run", "AGENT", "--from-redis", NOWHERE, "--record", "a.wav"], KEYS, 2, "--simulate"),
        (["run", "AGENT", "--from-redis", NOWHERE], {}, 1, "WSS_DISPATCH_KEY is not set"),
        (["run", "AGENT", "--from-redis", "WSS_REDIS_URL"], KEYS, 1, "WSS_REDIS_URL is not set"),
        (["run", "AGENT", "--from-redis", NOWHERE], KEYS, 1, "Redis cannot be reached"),
        (
            ["run", "AGENT", "--from-redis", NOWHERE],
            {**KEYS, "WSS_DISPATCH_KEY": "no-key"},
            1,
            "not a dispatch key",
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else None,
)
def test_what_makes_no_sense_is_told_in_a_line(
    said: Said, arguments: list[str], variables: dict[str, str], status: int, words: str
) -> None:
    assert said.by(arguments, variables) == status
    assert words in said.words
    assert "Traceback" not in said.words


@pytest.mark.slow
@on_the_second_wire  # the commands are the same on either; tests/fleet has both
async def test_a_call_goes_to_the_queue_that_was_chosen(tmp_path: Path, wire: WireName) -> None:
    agent = agent_file(tmp_path, AGENT)
    async with open_redis_server() as redis, open_simulator(port=0, wire=wire) as simulator:
        variables = {
            **settings_of(simulator.config),
            "WSS_DISPATCH_KEY": KEY,
            "WSS_REDIS_URL": redis.url,
        }
        worker = ("run", agent, "--from-redis", "WSS_REDIS_URL", "--queue", "vip")
        async with (
            running("dispatch", f"{agent}:choose_queue", variables=variables) as desk,
            # The wire goes with the call, whatever the worker's settings say.
            running(*worker, variables={**variables, "WSS_WIRE": "first"}) as vip,
        ):
            await desk.wait_for("passing on the calls of")
            await vip.wait_for("serving the calls of the queue vip")
            call = simulator.place_call(caller="+65 1")
            await call.caller.wait_talking()
            await call.caller.say(noise(0.5, 24000, 2))
            await vip.wait_for("heard the caller")
            await until(lambda: find(PROMPT, call.caller.heard).correlation > 0.9)
            desk.send_signal(signal.SIGTERM)
            assert await desk.wait_status() == 0
            assert "all calls are passed on" in desk.output
            assert "+65 1" not in desk.output
            # It goes on without whoever has claimed it.
            vip.send_signal(signal.SIGTERM)
            await trio.sleep(0.2)
            assert not call.ended
            call.caller.hang_up()
            assert await vip.wait_status() == 0
            (began, over) = [line for line in vip.output.splitlines() if "INFO    call " in line]
            assert began == "INFO    call from +65 1 to +65 6222 0000"
            assert re.fullmatch(rf"{re.escape(began)}: over after \d+\.\d s", over)
