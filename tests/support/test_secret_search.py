"""A secret that gets out, wherever it does, makes the run fail: shown by a run full of leaks."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]

CONFTEST = """
from tests.support.secret_search import SecretSearch

def pytest_configure(config):
    config.pluginmanager.register(SecretSearch())
"""

#: Each of these tests passes by itself, and tells a secret in a way of its own.
LEAKS = r"""
import base64, contextlib, logging, warnings
import pytest, trio, trustme
import trio_calls.wire.codec
from trio_calls import ClientConfig, WSSConnectionError
from trio_calls.audio import noise
from trio_calls.simulator.exchange.identifiers import Identifiers
from trio_calls.wire.first.control import CallIn

KEY = "the-api-key-of-a-run-with-leaks"
CONFIG = ClientConfig.sandbox(api_key=KEY, connector_uuid="the-connector-of-a-run-with-leaks")
LIBRARY = logging.getLogger("some.library")
AUDIO = noise(0.02, 24000, seed=1)

@pytest.fixture
def private_key(tmp_path):
    certificate = trustme.CA().issue_cert("agent")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    ClientConfig.production(cert_path=tmp_path / "cert.pem", key_path=tmp_path / "key.pem")
    return (tmp_path / "key.pem").read_text()

def test_in_a_debug_record():
    LIBRARY.debug("sending %s", {"x-api-key": KEY})

def test_in_a_debug_record_of_a_logger_with_a_level():
    LIBRARY.setLevel("CRITICAL")
    LIBRARY.debug("sending %s", KEY)

def test_in_the_connector():
    LIBRARY.info("connector %s", CONFIG.connector_uuid)

def test_in_an_error_that_is_logged():
    try:
        raise KeyError(KEY)
    except KeyError:
        LIBRARY.exception("no such key")

def test_in_a_cause_that_is_logged():
    try:
        try:
            raise KeyError(KEY)
        except KeyError as error:
            raise ValueError("harmless") from error
    except ValueError:
        LIBRARY.exception("harmless")

def test_in_an_error_of_ours_that_nobody_sees():
    with contextlib.suppress(WSSConnectionError):
        raise WSSConnectionError(f"refused: {KEY}")

def test_in_any_error_that_is_expected():
    with pytest.raises(ValueError):
        raise ValueError(KEY)

def test_in_a_note_in_a_group_that_is_expected():
    with pytest.RaisesGroup(ValueError):
        error = ValueError("harmless")
        error.add_note(KEY)
        raise ExceptionGroup("several", [error])

def test_in_output():
    print(CONFIG.api_key)

def test_in_output_that_is_read(capsys):
    print(KEY)
    assert KEY in capsys.readouterr().out

@pytest.mark.filterwarnings("default")
def test_in_a_warning():
    warnings.warn(KEY)

def test_in_base64():
    LIBRARY.debug("Basic %s", base64.b64encode(f"agent:{KEY}".encode()).decode())

def test_the_private_key(private_key):
    LIBRARY.debug("%r", private_key)

def test_the_token_of_a_call():
    LIBRARY.debug(CallIn("s", "c", url="u", token="the-token-of-a-call").token)

async def test_a_token_of_the_simulator():
    LIBRARY.debug(Identifiers(0, 0).token())

def test_the_published_key_in_a_record():
    ClientConfig.sandbox(api_key="simulated-key", connector_uuid="simulated-connector")
    LIBRARY.debug("key simulated-key")

@pytest.mark.parametrize("show", [repr, bytes.hex, base64.b64encode, list])
def test_audio(show):
    LIBRARY.debug("received %s", show(AUDIO))
"""

HARMLESS = r"""
import logging
import pytest
from trio_calls import ClientConfig, WSSCallError

KEY = "the-api-key-of-a-run-without-leaks"
CONFIG = ClientConfig.sandbox(api_key=KEY, connector_uuid="the-connector-of-a-run-without-leaks")

def test_the_published_key_in_output():
    print(ClientConfig.sandbox(api_key="simulated-key", connector_uuid="simulated-connector"))
    print("export WSS_API_KEY=simulated-key")

def test_what_is_harmless(capsys):
    logging.getLogger("some.library").debug("the config is %r", CONFIG)
    print("nothing")
    capsys.readouterr()
    with pytest.raises(WSSCallError):
        raise WSSCallError("refused")

def test_others_hear_no_more_than_without_it(caplog):
    logging.getLogger("some.library").debug("not for you")
    assert caplog.records == []
    caplog.set_level("DEBUG", logger="some.library")
    logging.getLogger("some.library").debug("for you")
    assert [record.message for record in caplog.records] == ["for you"]

def test_a_line_that_logs_all_the_time_is_not_heard_for_ever(request):
    plugins = request.config.pluginmanager.get_plugins()
    [search] = [plugin for plugin in plugins if type(plugin).__name__ == "SecretSearch"]
    before = search.counts["log records"]
    for number in range(1000):
        logging.getLogger("some.library").debug("first %d", number)
    logging.getLogger("some.library").debug("second")
    assert search.counts["log records"] == before + 101

@pytest.mark.shows_secrets("on purpose")
def test_what_is_marked():
    print(KEY)
"""


INI = """
[pytest]
addopts = --strict-markers
filterwarnings = error
trio_mode = true
"""


@pytest.mark.shows_secrets("made up ones, in what pytest reports of that run")
@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "workers"])
def test_all_leaks_fail_the_run_and_nothing_else_does(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    pytester.makeconftest(CONFTEST)
    pytester.makeini(INI)
    pytester.makepyfile(test_leaks=LEAKS, test_harmless=HARMLESS)
    result = pytester.runpytest_subprocess("-rE", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=25, errors=20, warnings=1)
    failed = re.findall(r"^ERROR (\w+\.py)::", result.stdout.str(), re.M)
    assert failed == 20 * ["test_leaks.py"]
    result.stdout.fnmatch_lines_random(
        [
            "DEBUG of logger some.library (test_leaks.py:*) shows the api_key of a ClientConfig",
            "searched for secrets: ? errors, ??? log records, ? output, ? warnings",
        ]
    )
