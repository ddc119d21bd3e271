"""Loggers that raise nothing."""

import inspect
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import trio_calls
from trio_calls._logging import CalmLogger, get_logger


def fail(record: logging.LogRecord) -> bool:
    raise LookupError("no request is being handled")


@pytest.fixture
def logger() -> Iterator[CalmLogger]:
    """One that somebody has given a filter that fails."""
    logger = get_logger("trio_calls.tests.logging")
    logger.logger.addFilter(fail)
    yield logger
    logger.logger.removeFilter(fail)


def test_what_a_filter_raises_is_reported(
    logger: CalmLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.warning("a message")
    assert "no request is being handled" in capsys.readouterr().err


def test_nothing_is_reported_where_logging_is_to_be_quiet(
    logger: CalmLogger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.warning("a message")
    assert capsys.readouterr().err == ""


def test_a_report_that_nobody_can_read_is_dropped(
    logger: CalmLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    logger.warning("a message")


def test_control_c_while_something_is_logged_comes_out() -> None:
    def interrupt(record: logging.LogRecord) -> bool:
        raise KeyboardInterrupt

    logger = get_logger("trio_calls.tests.interrupted")
    logger.logger.addFilter(interrupt)
    with pytest.raises(KeyboardInterrupt):
        logger.warning("a message")


def test_a_record_is_that_of_whoever_has_logged(caplog: pytest.LogCaptureFixture) -> None:
    frame = inspect.currentframe()
    assert frame is not None
    logger = get_logger("trio_calls.tests.where")
    logger.warning("by %s", "its own method")
    logger.log(logging.WARNING, "by the one for any level")
    lines = [record.lineno - frame.f_lineno for record in caplog.records]
    assert [record.message for record in caplog.records] == [
        "by its own method",
        "by the one for any level",
    ]
    assert {record.funcName for record in caplog.records} == {frame.f_code.co_name}
    assert lines[1] - lines[0] == 1


def test_every_logger_of_the_package_is_calm() -> None:
    package = Path(trio_calls.__file__).parent
    noisy = [
        path.name
        for path in package.rglob("*.py")
        if "\nlogger = logging.getLogger(" in path.read_text(encoding="utf-8")
        and "cli" not in path.parts
    ]
    assert noisy == []
