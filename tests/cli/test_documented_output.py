"""What the page on the command shows is what the command prints."""

import re
from pathlib import Path

import pytest

from tests.support.timelines import OVER, lines, said, turn
from trio_calls import cli
from trio_calls.cli.check import _check
from trio_calls.cli.dial_order import Result
from trio_calls.cli.dial_report import print_summary
from trio_calls.simulator import Simulator

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "how-to" / "ring-your-agent.rst").read_text(encoding="utf-8")
TIMELINE_PAGE = (DOCS / "how-to" / "look-at-a-timeline.rst").read_text(encoding="utf-8")


async def test_check(
    loopback_simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = loopback_simulator.config
    monkeypatch.setenv("WSS_API_KEY", str(config.api_key))
    monkeypatch.setenv("WSS_CONNECTOR_UUID", str(config.connector_uuid))
    monkeypatch.setenv("WSS_BASE_URL", config.base_url)
    assert await _check()
    printed = capsys.readouterr().out.replace(str(loopback_simulator.port), "8080")
    shown = PAGE.partition("$ trio-calls check\n")[2].partition("   $ ")[0]
    assert printed.splitlines() == [line.strip() for line in shown.splitlines()]


@pytest.mark.parametrize("shown", re.findall(r"( +\d+ calls?: .+\n +seconds .+)", PAGE))
def test_the_summary_of_dial(shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    summary, seconds = (line.strip() for line in shown.splitlines())
    calls = int(summary.split()[0])
    least, median, most = map(float, re.findall(r"\d+\.\d+", seconds))
    waits = [least, *[median] * (calls - 2), most][:calls]
    print_summary([Result(was_claimed=True, answered_after=wait) for wait in waits])
    assert capsys.readouterr().out.splitlines() == [summary, seconds]


def test_timeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = (
        *(said(at, 1.0) for at in (1.0, 5.0, 9.0, 13.0, 17.0)),
        *(turn(at, 0.5, 0.3, 0.1, 0.1) for at in (4.0, 8.0, 12.0)),
        {"at": 18.0, "kind": "interrupted", "channel": 0},
        {**OVER, "at": 33.0},
    )
    monkeypatch.chdir(tmp_path)
    Path("call.jsonl").write_text("".join(lines(*records)), encoding="utf-8")
    shown = TIMELINE_PAGE.partition("$ trio-calls timeline call.jsonl\n")[2].partition("\n\n")[0]
    assert cli.main(["timeline", "call.jsonl"]) == 0
    assert capsys.readouterr().out.strip() == shown.strip()
