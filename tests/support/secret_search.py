"""Listens to all that the tests make trio_calls say, and fails those that make it tell a secret.

Heard are the log records of all loggers at all levels, whatever levels are set; captured output;
warnings; every error of trio_calls when it is made, raised or not; and what else tests expect or
fail with, with all that a traceback would show of it. Its lines of source do not count: they show
no values. Nobody else hears more than without this.

The secrets are those of the tests: API keys and connectors of every `ClientConfig`, tokens of every
`CallIn`, what is in the files of client certificates, and what looks like a token or audio.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, Final

import pytest
from hypothesis import currently_in_test_context

from tests.support.leaks import MIN_SECRET_LENGTH, Secrets, find_leaks, forms, lines_of_pem
from trio_calls import ClientConfig
from trio_calls.transport import HandshakeRefused, WebSocketClosed
from trio_calls.wire.first.control import CallIn

#: The simulator's. Its command prints them, and the documentation has them.
PUBLISHED: Final = frozenset({"simulated-key", "simulated-connector"})

#: What the official client logs is its own business. It only ever runs in these tests.
_OFFICIAL_CLIENT_TESTS: Final = ("tests/interop/", "tests/docs/test_book_beside.py")
_OFFICIAL_CLIENT_LOGGERS: Final = ("telcoflow", "websockets")

#: With which trio-websocket logs what a peer has put into a ping. That is no secret of ours.
_PING: Final = "%s ping %r"

#: A line of code that logs is heard so often in each test. Some log every frame of every call.
_ENOUGH: Final = 100

_MARKER: Final = "shows_secrets"
_DEAF_MARKER: Final = "measures_memory"


class SecretSearch:
    """The pytest plugin. A process searches what it has heard itself.

    Attributes:
      counts: how much was heard of what.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._secrets = Secrets()
        # What was heard since the last search: by kind, and then where first.
        self._heard: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._logged_by: Counter[tuple[CodeType, int]] = Counter()
        self._patches = pytest.MonkeyPatch()
        self._test = ""
        self._is_deaf = False

    def learn(self, name: str, secret: object) -> None:
        """Look for this from now on. What is no text will be refused."""
        if self._is_deaf:
            return
        if not isinstance(secret, str) or len(secret) < MIN_SECRET_LENGTH:
            return
        if secret not in self._secrets:
            for form in forms(secret):
                self._secrets.add(form, name)

    def hear(self, kind: str, where: str, text: str) -> None:
        """Note what was said."""
        if text and not self._is_deaf:
            self.counts[kind] += 1
            self._heard[kind].setdefault(text, where)

    def hear_error(
        self, where: str, error: BaseException, but_no: type[BaseException] | None = None
    ) -> None:
        """Note all that a traceback would show of an error."""
        for each in _with_causes(error):
            if but_no is not None and isinstance(each, but_no):
                continue
            text = "\n".join((str(each), repr(each), *getattr(each, "__notes__", ())))
            self.hear("errors", f"{type(each).__qualname__}, {where},", text)

    def hear_record(self, record: logging.LogRecord) -> None:
        """Note all that any handler would show of a log record."""
        is_foreign = record.name.startswith(_OFFICIAL_CLIENT_LOGGERS)
        if is_foreign and self._test.startswith(_OFFICIAL_CLIENT_TESTS):
            return
        if record.name == "trio-websocket" and record.msg == _PING:
            return
        where = f"{record.levelname} of logger {record.name} ({record.filename}:{record.lineno})"
        self.hear("log records", where, record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            self.hear_error(f"logged as {where}", record.exc_info[1])

    def take_leaks(self) -> list[str]:
        """Search what was heard since the last time."""
        leaks = []
        for kind, heard in self._heard.items():
            hidden = PUBLISHED if kind == "output" else frozenset[str]()
            # In one piece first, as there is hardly ever anything.
            if find_leaks("\n".join(heard), self._secrets, hidden):
                for text, where in heard.items():
                    found = find_leaks(text, self._secrets, hidden)
                    leaks += [f"{where} shows {leak}" for leak in found]
        self._heard.clear()
        self._logged_by.clear()
        return sorted(set(leaks))

    # Where it listens.

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line(
            "markers", f"{_MARKER}(why): what this test makes be said is not searched"
        )
        config.addinivalue_line(
            "markers", f"{_DEAF_MARKER}: nothing is kept of what this test makes be said"
        )
        self._listen_to_logs()
        self._listen_to_expected_errors()
        self._listen_to_captured_output()
        self._listen_to_warnings()
        self._listen_for_secrets()

    def pytest_collection_finish(self) -> None:
        # By now, the tests have imported all that they test.
        for error_class in _roots_of_our_errors():
            self._listen_to_errors_of(error_class)

    def pytest_unconfigure(self) -> None:
        self._patches.undo()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test = nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # What it keeps would be taken for what the package keeps.
        self._is_deaf = item.get_closest_marker(_DEAF_MARKER) is not None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None:
            # What tests themselves assert may well be about secrets, and show them.
            self.hear_error("with which the test ended", call.excinfo.value, AssertionError)
        if report.when == "teardown":
            self.hear("output", "the captured output", report.capstdout + report.capstderr)
            leaks = self.take_leaks()
            if leaks and item.get_closest_marker(_MARKER) is None:
                report.outcome = "failed"
                report.sections.append(("secrets that were told", "\n".join(leaks)))
                report.longrepr = report.longrepr or "\n".join(("a secret was told", *leaks))
        return report

    def _listen_to_logs(self) -> None:
        is_enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle

        def hear_and_handle(logger: logging.Logger, record: logging.LogRecord) -> None:
            # What a filter of its logger holds back is shown by no handler.
            if logger.filter(record):
                self.hear_record(record)
            # As if nobody had listened.
            if is_enabled(logger, record.levelno):
                handle(logger, record)

        def is_enabled_or_heard(logger: logging.Logger, level: int) -> bool:
            if logger.disabled or self._is_deaf or is_enabled(logger, level):
                return is_enabled(logger, level)
            caller = sys._getframe(2)
            line = caller.f_code, caller.f_lineno
            self._logged_by[line] += 1
            return self._logged_by[line] <= _ENOUGH

        self._patches.setattr(logging.Logger, "isEnabledFor", is_enabled_or_heard)
        self._patches.setattr(logging.Logger, "handle", hear_and_handle)

    def _listen_to_expected_errors(self) -> None:
        for context_class in (pytest.RaisesExc, pytest.RaisesGroup):
            leave = context_class.__exit__

            def hear_and_leave(context: Any, *error: Any, leave: Any = leave) -> object:
                if error[1] is not None:
                    self.hear_error("which a test expected", error[1])
                return leave(context, *error)

            self._patches.setattr(context_class, "__exit__", hear_and_leave)

    def _listen_to_captured_output(self) -> None:
        read = pytest.CaptureFixture.readouterr

        def hear_and_read(fixture: Any) -> Any:
            captured = read(fixture)
            self.hear("output", "output that a test has read", "".join(map(str, captured)))
            return captured

        self._patches.setattr(pytest.CaptureFixture, "readouterr", hear_and_read)

    def _listen_to_warnings(self) -> None:
        # Pytest reports them when their test is long over.
        make = warnings.WarningMessage.__init__

        def make_and_hear(warning: Any, message: Any, *args: Any, **kwargs: Any) -> None:
            make(warning, message, *args, **kwargs)
            self.hear("warnings", "a warning", str(message))

        self._patches.setattr(warnings.WarningMessage, "__init__", make_and_hear)

    def _listen_to_errors_of(self, error_class: type[BaseException]) -> None:
        make: Any = error_class.__init__

        def make_and_hear(error: BaseException, *args: Any, **kwargs: Any) -> None:
            make(error, *args, **kwargs)
            # It holds the words of the exchange as they came; trio_calls.transport blots them.
            if not isinstance(error, HandshakeRefused | WebSocketClosed):
                self.hear("errors", f"a {type(error).__qualname__}", f"{error}\n{error!r}")

        self._patches.setattr(error_class, "__init__", make_and_hear)

    def _listen_for_secrets(self) -> None:
        make_config: Any = ClientConfig.__init__
        make_call_in: Any = CallIn.__init__

        def learn_and_make_config(config: ClientConfig, **settings: Any) -> None:
            for name in ("api_key", "connector_uuid"):
                self.learn(f"the {name} of a ClientConfig", settings.get(name))
            for name in ("cert_path", "key_path"):
                path = settings.get(name)
                if isinstance(path, str | os.PathLike) and Path(path).is_file():
                    for line in lines_of_pem(Path(path).read_text(errors="replace")):
                        self.learn(f"what is in the file {name}", line)
            make_config(config, **settings)

        def make_and_learn_call_in(call_in: CallIn, *args: Any, **kwargs: Any) -> None:
            make_call_in(call_in, *args, **kwargs)
            # Hypothesis makes tokens of anything, be it the source's own words.
            if not currently_in_test_context():
                self.learn("the token of a call", call_in.token)

        self._patches.setattr(ClientConfig, "__init__", learn_and_make_config)
        self._patches.setattr(CallIn, "__init__", make_and_learn_call_in)

    # What it tells, also as a worker of pytest-xdist and to one.

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", {})
        output["secret_search"] = dict(self.counts)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.counts.update(getattr(node, "workeroutput", {}).get("secret_search", {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        heard = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))
        terminalreporter.write_line(f"searched for secrets: {heard or 'nothing'}")


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """List an error and all that its traceback shows with it."""
    waiting, seen = [error], set[int]()
    while waiting:
        error = waiting.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
        if error.__cause__ is not None:
            waiting.append(error.__cause__)
        elif error.__context__ is not None and not error.__suppress_context__:
            waiting.append(error.__context__)


def _roots_of_our_errors() -> set[type[BaseException]]:
    """Find the error classes of trio_calls that are made through no other one of its."""

    def is_ours(error_class: type) -> bool:
        return error_class.__module__.partition(".")[0] == "trio_calls"

    waiting, seen = [BaseException], set[type[BaseException]]()
    while waiting:
        subclasses = set(waiting.pop().__subclasses__()) - seen
        seen |= subclasses
        waiting += subclasses
    return {each for each in filter(is_ours, seen) if not any(map(is_ours, each.__bases__))}
