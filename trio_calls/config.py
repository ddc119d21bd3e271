"""The settings of a client: how to reach the exchange, and the limits for serving its calls."""

from __future__ import annotations

import functools
import math
import os
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, get_args
from urllib.parse import urlsplit

import attrs

from trio_calls._quoting import Secret
from trio_calls.audio_format import SAMPLE_RATES, AudioFormat, AudioMode
from trio_calls.errors import WSSConfigError
from trio_calls.offer import Claims, why_no_claims
from trio_calls.state import AgentMode

if TYPE_CHECKING:
    import trio

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

#: A generation of what is said to the exchange.
WireName = Literal["first", "second"]

#: Where each generation is spoken in production.
PRODUCTION_URLS: Final[Mapping[str, str]] = {
    "first": "wss://wss-prod.agentao.com",
    "second": "wss://wss-prod.agentduet.com",
}

#: The version that this SDK speaks, of each generation.
WIRE_VERSIONS: Final[Mapping[str, str]] = {"first": "1.0.0", "second": "1.0.0b8"}

#: The library under every WebSocket; ``auto`` is ``websockets`` where it is installed.
TransportName = Literal["auto", "websockets", "trio-websocket"]

#: What becomes of a caller whose handler has failed before it has answered.
OnHandlerFailure = Literal["decline", "connect", "ring"]

#: Opens a byte stream to a host and port, as `trio.open_tcp_stream` does.
StreamOpener = Callable[[str, int], Awaitable["trio.abc.Stream"]]


#: Longer than this no clock of the system can wait: nearly 32 years.
_LONGEST_SECONDS: Final = 1e9

#: Whatever follows the numbers, such as ``b2``.
_VERSION: Final = re.compile(
    r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}(?:\.?[A-Za-z+-][0-9A-Za-z.+-]{0,40})?", re.ASCII
)

#: The variable that says each setting.
_ENVIRONMENT: Final[Mapping[str, str]] = {
    "wire": "WSS_WIRE",
    "api_key": "WSS_API_KEY",
    "connector_uuid": "WSS_CONNECTOR_UUID",
    "cert_path": "WSS_CERT_PATH",
    "key_path": "WSS_KEY_PATH",
    "base_url": "WSS_BASE_URL",
    "sample_rate": "WSS_SAMPLE_RATE",
    "max_concurrent_calls": "WSS_MAX_CONCURRENT_CALLS",
}

#: What the vendor's later client calls some of them.
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "api_key": "AGENTDUET_API_KEY",
    "connector_uuid": "AGENTDUET_CONNECTOR_UUID",
    "base_url": "AGENTDUET_BASE_URL",
}

_Validator = Callable[[object, "attrs.Attribute[Any]", Any], object]


def _hidden(value: object) -> str:
    return "None" if value is None else "'***'"


def _secret(value: str | None) -> str | None:
    return Secret(value) if isinstance(value, str) else value


def _forgetting(function: Callable[P, R]) -> Callable[P, R]:
    """Let no traceback of a `WSSConfigError` show the arguments: secrets are among them."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except WSSConfigError as error:
            failure = error.with_traceback(None)
            failure.__context__ = None
        del args, kwargs
        raise failure

    return call


def _made_forgetting(config_class: type[T]) -> type[T]:
    config_class.__init__ = _forgetting(config_class.__init__)  # type: ignore[method-assign]
    return config_class


def is_number(value: object, least: float, most: float = math.inf) -> bool:
    """Return whether a value is a number within these bounds. NaN never is, and no bool is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _positive_seconds(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_number(value, 0, _LONGEST_SECONDS) or not value:
        raise WSSConfigError(
            f"{attribute.name} must be a number of seconds greater than 0, not {value!r}"
        )


def _positive_seconds_or_inf(
    instance: object, attribute: attrs.Attribute[Any], value: object
) -> None:
    if value != math.inf:
        _positive_seconds(instance, attribute, value)


def _positive_integer(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, int) or not is_number(value, 1):
        raise WSSConfigError(
            f"{attribute.name} must be a whole number greater than 0, not {value!r}"
        )


_positive_integer_or_none: _Validator = attrs.validators.optional(_positive_integer)
_positive_seconds_inf_or_none: _Validator = attrs.validators.optional(_positive_seconds_or_inf)


def _sample_rate(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value not in SAMPLE_RATES:
        raise WSSConfigError(
            f"sample_rate (WSS_SAMPLE_RATE) must be one of {SAMPLE_RATES}, not {value!r}"
        )


def _one_of(names: tuple[str, ...]) -> _Validator:
    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in names:
            raise WSSConfigError(f"{attribute.name} must be one of {names}, not {value!r}")

    return check


def _of_wire(defaults: Mapping[str, str]) -> Any:
    """Make a default that goes with the wire. One that there is not is refused by its own name."""
    return attrs.Factory(lambda config: defaults.get(config.wire, ""), takes_self=True)


def _wire(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in get_args(WireName):
        raise WSSConfigError(f"wire (WSS_WIRE) must be one of {get_args(WireName)}, not {value!r}")


def _wire_version(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise WSSConfigError(f"wire_version must be like 1.0.0, not {value!r}")


def _audio_mode(value: AudioMode | str) -> AudioMode:
    try:
        return AudioMode(value)
    except ValueError:
        modes = " or ".join(mode.value for mode in AudioMode)
        raise WSSConfigError(f"audio_mode must be {modes}, not {value!r}") from None


def _agent_mode(value: AgentMode | str) -> AgentMode:
    try:
        return AgentMode(value)
    except ValueError:
        modes = ", ".join(mode.value for mode in AgentMode)
        raise WSSConfigError(f"mode_after_connect must be one of {modes}, not {value!r}") from None


def _instance_of(*kinds: type) -> _Validator:
    """Make a validator that never shows the value: it may be a secret, though no text."""
    names = " or ".join(kind.__name__ for kind in kinds)

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is not None and not isinstance(value, kinds):
            raise WSSConfigError(f"{attribute.name} must be {names}, not {type(value).__name__}")

    return check


_text: Final = _instance_of(str)
_path: Final = _instance_of(str, os.PathLike)


def _claims(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    refusal = None if value is None else why_no_claims(value)
    if refusal is not None:
        raise WSSConfigError(f"claims {refusal}")


def _websocket_url(instance: ClientConfig, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise WSSConfigError(f"base_url must be str, not {type(value).__name__}")
    try:
        parts = urlsplit(value)
        # What urlsplit() forgives, upper case and blanks, would mislead whoever reads the start.
        usable = (
            value.startswith(("ws://", "wss://"))
            and value.isprintable()
            and " " not in value
            and bool(parts.hostname)
            and parts.port != 0
        )
    except ValueError:
        usable = False
    if not usable:
        raise WSSConfigError(
            "base_url must look like wss://host or ws://host:port; set it as "
            f"{variable_of(instance, 'base_url')} or leave it out to reach the production exchange"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise WSSConfigError(
            "base_url must be a bare ws:// or wss:// address: credentials go into "
            f"{variable_of(instance, 'api_key')} and {variable_of(instance, 'connector_uuid')}"
        )


@_made_forgetting
@attrs.frozen(kw_only=True)
class ClientConfig:
    """How to reach the exchange, and the limits for serving its calls.

    Make one with `sandbox`, `production` or `from_env`. Its `repr` never shows secrets.

    Attributes:
      wire: the generation of the exchange: ``first`` or ``second``. They have nothing in common but
        what an application sees; which one an exchange speaks is for its operator to say.
      base_url: the address of the exchange, ``wss://host`` or ``ws://host:port``. If it is not
        given, that of the vendor's production, which each wire has one of.
      api_key: the key to authenticate with, together with `connector_uuid`.
      connector_uuid: the connector that the API key belongs to.
      cert_path: a PEM file with the certificate to authenticate with by mutual TLS, together with
        `key_path`. When the files have changed, the next connection is opened with the new ones.
      key_path: a PEM file with the certificate's private key.
      sample_rate: the sample rate of all audio, in Hz: 8000, 16000 or 24000.
      audio_mode: whether single legs come on channels of their own.
      mode_after_connect: who hears the agent right after `ActiveCall.connect`, on this exchange. It
        does not say itself, and `ActiveCall.mode` goes by this. The vendor's first exchange has
        BARGE, and newer ones are said to have SPY.
      ssl_context: the context that verifies the exchange, in place of the system's certificate
        authorities.
      max_concurrent_calls: the most calls at a time. A call counts from its claim until it has
        ended and its handler is over, so a handler that works on after the hangup takes up room.
        Further calls are left to other workers; where none takes them, they ring until there is
        room. Beside others the client waits before it claims, up to 150 ms by how many it has, so
        that the worker with the least load is first. None for no limit, and no wait.
      claims: a plain function that is called with each `~trio_calls.sessions.Offer` for which there
        is room, and returns whether it is claimed: see `CallClient.on`. None: all are.
      send_buffer_seconds: how much audio of each call may wait to be sent, whatever its rate.
      send_buffer_bytes: the same in bytes, in place of `send_buffer_seconds`, if not None.
      receive_buffer_seconds: how much received audio may wait for each reader; one message may,
        however long.
      after_call_seconds: how long a handler may go on after its call, or its conversation, has
        ended.
      keep_alive_seconds: how often each connection is pinged, so that no proxy takes it for idle;
        ``inf`` for never. One whose ping is not answered within 10 s is given up.
      close_grace_seconds: how long leaving a call may take when its scope is cancelled.
      drain_seconds: how long calls in progress may go on after SIGTERM; ``inf`` for no limit.
      on_handler_failure: what becomes of a call whose handler fails, or returns, while it rings.
        ``decline`` ends it; ``connect`` rings the callee, as if there were no agent, and leaves
        (and declines where the callee does not answer either); ``ring`` lets it ring on. As the
        exchange takes no call back, nobody else gets that one before this process's control
        connection ends.
      crash_on_handler_error: whether a handler's error ends the client, rather than being logged.
      blocked_warning_seconds: how long code may block the event loop before a warning in the log
        says where. It comes after this time, or up to half as long again, and once a minute at
        the most; None for never. The first of several clients decides.
      wire_version: which version of the wire the exchange is told that this SDK speaks, as
        ``x-sdk-version``, and in ``x-sdk-client`` on the second wire. Each wire has its default.
      transport: the library under every WebSocket. ``websockets`` costs the least, and comes with
        the extra ``trio-calls[speedups]``; ``trio-websocket`` is always there; ``auto`` takes the
        first that is installed.
      open_stream: the function that opens the byte stream to a host and port, in place of
        `trio.open_tcp_stream`. The in-process simulator is reached through one.
    """

    wire: WireName = attrs.field(default="first", validator=_wire)
    base_url: str = attrs.field(default=_of_wire(PRODUCTION_URLS), validator=_websocket_url)
    api_key: str | None = attrs.field(
        default=None, repr=_hidden, converter=_secret, validator=_text
    )
    connector_uuid: str | None = attrs.field(
        default=None, repr=_hidden, converter=_secret, validator=_text
    )
    cert_path: str | os.PathLike[str] | None = attrs.field(
        default=None, repr=_hidden, validator=_path
    )
    key_path: str | os.PathLike[str] | None = attrs.field(
        default=None, repr=_hidden, validator=_path
    )
    sample_rate: int = attrs.field(default=24000, validator=_sample_rate)
    audio_mode: AudioMode = attrs.field(default=AudioMode.MIXED, converter=_audio_mode)
    mode_after_connect: AgentMode = attrs.field(default=AgentMode.BARGE, converter=_agent_mode)
    ssl_context: ssl.SSLContext | None = attrs.field(
        default=None, repr=False, validator=_instance_of(ssl.SSLContext)
    )
    max_concurrent_calls: int | None = attrs.field(
        default=None, validator=_positive_integer_or_none
    )
    claims: Claims | None = attrs.field(default=None, repr=False, validator=_claims)
    send_buffer_seconds: float = attrs.field(default=22.0, validator=_positive_seconds)
    send_buffer_bytes: int | None = attrs.field(default=None, validator=_positive_integer_or_none)
    receive_buffer_seconds: float = attrs.field(default=10.0, validator=_positive_seconds)
    after_call_seconds: float = attrs.field(default=30.0, validator=_positive_seconds)
    keep_alive_seconds: float = attrs.field(default=15.0, validator=_positive_seconds_or_inf)
    close_grace_seconds: float = attrs.field(default=2.0, validator=_positive_seconds)
    drain_seconds: float = attrs.field(default=25.0, validator=_positive_seconds_or_inf)
    on_handler_failure: OnHandlerFailure = attrs.field(
        default="decline", validator=_one_of(get_args(OnHandlerFailure))
    )
    crash_on_handler_error: bool = False
    blocked_warning_seconds: float | None = attrs.field(
        default=0.5, validator=_positive_seconds_inf_or_none
    )
    wire_version: str = attrs.field(default=_of_wire(WIRE_VERSIONS), validator=_wire_version)
    transport: TransportName = attrs.field(
        default="auto", validator=_one_of(get_args(TransportName))
    )
    open_stream: StreamOpener | None = attrs.field(default=None, repr=False)
    # Which variable has said each setting, or would say it. For errors: `from_env` gives it.
    _variables: Mapping[str, str] = attrs.field(
        default=_ENVIRONMENT, repr=False, eq=False, alias="_variables"
    )

    def __attrs_post_init__(self) -> None:
        _require_pair(self, "api_key", "connector_uuid")
        _require_pair(self, "cert_path", "key_path")
        if self.api_key is None and self.cert_path is None:
            raise WSSConfigError(
                "no credentials: give api_key and connector_uuid (WSS_API_KEY and "
                "WSS_CONNECTOR_UUID), or cert_path and key_path (WSS_CERT_PATH and WSS_KEY_PATH)"
            )
        if self.api_key is not None and self.cert_path is not None:
            raise WSSConfigError(
                "two kinds of credentials: give either an API key (WSS_API_KEY, "
                "WSS_CONNECTOR_UUID) or a certificate (WSS_CERT_PATH, WSS_KEY_PATH)"
            )
        for name in ("api_key", "connector_uuid"):
            _check_header(f"{name} ({variable_of(self, name)})", getattr(self, name))
        url_variable = variable_of(self, "base_url")
        if self.cert_path is not None and not self.base_url.startswith("wss://"):
            raise WSSConfigError(f"a client certificate needs a wss:// base_url ({url_variable})")
        if self.ssl_context is not None and not self.base_url.startswith("wss://"):
            raise WSSConfigError(f"an ssl_context needs a wss:// base_url ({url_variable})")

    @property
    def audio_format(self) -> AudioFormat:
        """The audio format that the exchange is asked for."""
        return AudioFormat(sample_rate=self.sample_rate, mode=self.audio_mode)

    @classmethod
    @_forgetting
    def sandbox(
        cls,
        *,
        api_key: str,
        connector_uuid: str,
        sample_rate: int = 24000,
        base_url: str | None = None,
        **settings: Any,
    ) -> ClientConfig:
        """Make the settings for an exchange that is reached with an API key.

        Args:
          api_key: the key, as the exchange's console shows it.
          connector_uuid: the connector that the key belongs to.
          sample_rate: the sample rate of all audio, in Hz: 8000, 16000 or 24000.
          base_url: the exchange: ``wss://host``, or ``ws://localhost:8080`` for a local one; None
            for the vendor's production.
          settings: any other attribute of `ClientConfig`.

        Raises:
          WSSConfigError: a setting is missing or makes no sense.
        """
        if base_url is not None:
            settings["base_url"] = base_url
        return cls(
            api_key=api_key, connector_uuid=connector_uuid, sample_rate=sample_rate, **settings
        )

    @classmethod
    @_forgetting
    def production(
        cls,
        *,
        cert_path: str | os.PathLike[str],
        key_path: str | os.PathLike[str],
        sample_rate: int = 24000,
        base_url: str | None = None,
        **settings: Any,
    ) -> ClientConfig:
        """Make the settings for an exchange that is reached with mutual TLS.

        Args:
          cert_path: a PEM file with the client certificate.
          key_path: a PEM file with its private key.
          sample_rate: the sample rate of all audio, in Hz: 8000, 16000 or 24000.
          base_url: the exchange: ``wss://host``; None for the vendor's production.
          settings: any other attribute of `ClientConfig`.

        Raises:
          WSSConfigError: a setting is missing or makes no sense.
        """
        if base_url is not None:
            settings["base_url"] = base_url
        return cls(cert_path=cert_path, key_path=key_path, sample_rate=sample_rate, **settings)

    @classmethod
    @_forgetting
    def from_env(cls, environ: Mapping[str, str] | None = None) -> ClientConfig:
        """Read the settings from the environment.

        ``WSS_API_KEY`` and ``WSS_CONNECTOR_UUID``, or ``WSS_CERT_PATH`` and ``WSS_KEY_PATH``;
        optionally ``WSS_WIRE``, ``WSS_BASE_URL``, ``WSS_SAMPLE_RATE`` (Hz) and
        ``WSS_MAX_CONCURRENT_CALLS``. An empty variable counts as not set.

        What none of these says is taken from ``AGENTDUET_API_KEY``, ``AGENTDUET_CONNECTOR_UUID``
        and ``AGENTDUET_BASE_URL``, as the vendor's later client calls them. They do not choose the
        wire.

        Args:
          environ: the variables to read, in place of `os.environ`.

        Raises:
          WSSConfigError: a variable is missing or makes no sense; the message names it.
        """
        source = os.environ if environ is None else environ
        settings: dict[str, Any] = _read(source, _ENVIRONMENT)
        others = _read(source, _OTHER_NAMES)
        if {"cert_path", "key_path"} & settings.keys():
            # It was given by the names that count for more.
            others.pop("api_key", None)
            others.pop("connector_uuid", None)
        variables = _variables_read(settings, others)
        settings = {**others, **settings}
        if not {"cert_path", "key_path"} & settings.keys():
            for name in ("api_key", "connector_uuid"):
                if name not in settings:
                    raise WSSConfigError(
                        f"{variables[name]} is not set: export it, or set WSS_CERT_PATH and "
                        "WSS_KEY_PATH to authenticate by certificate"
                    )
        if "sample_rate" in settings:
            settings["sample_rate"] = _parse_sample_rate(settings["sample_rate"])
        if "max_concurrent_calls" in settings:
            settings["max_concurrent_calls"] = _parse_calls(settings["max_concurrent_calls"])
        return cls(**settings, _variables=variables)


def variable_of(config: ClientConfig, setting: str) -> str:
    """Return the name of the variable that has said a setting, or would say it."""
    return config._variables[setting]


def _read(source: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, Any]:
    return {name: source[variable] for name, variable in variables.items() if source.get(variable)}


def _variables_read(own: Mapping[str, object], others: Mapping[str, object]) -> dict[str, str]:
    """Return which variable says each setting.

    Where only half of a pair was set, the other half is expected by a name of the same kind.
    """
    other_names = {name: _OTHER_NAMES[name] for name in others.keys() - own.keys()}
    for name, partner in (("api_key", "connector_uuid"), ("connector_uuid", "api_key")):
        if partner in other_names and name not in own:
            other_names[name] = _OTHER_NAMES[name]
    return {**_ENVIRONMENT, **other_names}


def _require_pair(config: ClientConfig, first: str, second: str) -> None:
    for present, missing in ((first, second), (second, first)):
        if getattr(config, present) is not None and getattr(config, missing) is None:
            raise WSSConfigError(
                f"{present} needs {missing}: set both, as {variable_of(config, present)} and "
                f"{variable_of(config, missing)}"
            )


def _check_header(name: str, value: str | None) -> None:
    """Raise `WSSConfigError` for what cannot be sent, or was copied with what is around it."""
    if value is None:
        return
    if not (value and value.isascii() and value.isprintable() and value == value.strip()):
        raise WSSConfigError(f"{name} must be printable ASCII without spaces around")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        raise WSSConfigError(
            f"{name} has quotes around it: take them away. `docker run --env-file` reads them as "
            "part of the value"
        )


def _parse_sample_rate(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise WSSConfigError(
            "WSS_SAMPLE_RATE must be 8000, 16000 or 24000 (Hz), or not set at all"
        ) from None


def _parse_calls(text: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text, re.ASCII):
        raise WSSConfigError(
            "WSS_MAX_CONCURRENT_CALLS must be a whole number greater than 0, or not set at all"
        )
    return int(text)
