"""What applications may import, name by name, and where it says that it comes from."""

import ast
import copy
import importlib
import inspect
import pickle
import pkgutil
import traceback
import typing
from pathlib import Path
from typing import Final

import pytest
import trio

import trio_calls
from trio_calls._public_names import PUBLIC_MODULES

#: Changed with care: what is taken away or renamed here was somebody's import.
EXPORTED: Final = {
    "trio_calls": """
        ActiveCall AgentMode AudioFormat AudioMode AudioStream BufferClosedError
        BufferFullError CallClient CallState CallStatistics ClientConfig EndCause Ending
        HangupScope WSSAuthenticationError WSSCallClosedError WSSCallCommandError
        WSSCallCommandTimeoutError WSSCallEndedError WSSCallError WSSCallFaultError
        WSSCallLostError WSSCallStateError
        WSSConfigError WSSConnectionError WSSError WSSMediaError WSSTLSError
        WSSUnavailableError WSSUnreachableError WSSVersionError __version__ events
        open_call_client run serve_calls
    """,
    "trio_calls.audio": """
        FRAME_SECONDS Match Resampler SAMPLE_BYTES duration_seconds find frame_bytes level_dbfs mix
        noise read_wav silence to_pcm to_samples tone write_wav
    """,
    "trio_calls.events": """
        CALL_ANSWERED CALL_ANSWER_FAILED CALL_CONNECTED CALL_CONNECT_FAILED CALL_ERROR
        CALL_EVENTS CALL_TERMINATED INCOMING_CALL INCOMING_MESSAGE OFFER
    """,
    "trio_calls.fleet": """
        CallEntry CallEvent CallEventKind CallEvents Directory DirectoryStatus Dispatcher Fleet
        FleetPasswordError FleetUnavailableError FleetView NoSuchCallError NoSuchWorkerError
        OrderFailedError WSSDispatchKeyError WSSFleetError WorkerEntry WorkerSilentError
        new_dispatch_key open_directory open_dispatcher serve_from_redis
    """,
    "trio_calls.sessions": """
        Conversation ConversationEnd ConversationEnding HandOver InboundCalls IncomingMessage Offer
        OfferDecision SentMessage SessionClosure SessionInfo Sessions
        WSSCallNotFoundError WSSChannelError WSSForbiddenError WSSHandOverError
        WSSInvalidRequestError WSSMessageChannelError
        WSSMessageError WSSMessageExchangeError WSSMessageInDoubtError WSSMessageOverflowError
        WSSMessagePayloadError WSSMessageRemoteError WSSOutboundOverflowError
        WSSParticipantsFullError
        WSSQuotaExceededError WSSSessionBusyError WSSSessionClosedError WSSSessionError
        WSSSessionExistsError WSSSessionNotFoundError WSSSessionNotOpenError
        WSSSubscriberMismatchError
        WSSUnauthorizedError serve_handed_over
    """,
    "trio_calls.simulator": """
        Direction Entry Fault Levels Moment Partner PartnerGone PartnerMessage Phone PhoneHungUp
        PhoneState Pickup SimulatedCall Simulator Transcript Violation after answer_late
        answer_twice answers at_frame at_random cut_control cut_media declines duplicate_offer
        jitter never_answer never_answers open_simulator refuse restart send_malformed stall
    """,
    "trio_calls.telemetry": """
        CallIdFilter Monitor add_call_id get_call_id open_monitor trace_calls
    """,
    "trio_calls.testing": """
        CodeLine Said ScopeNode Speech SpeechMatch TaskNode WavLoader draw_tasks heard heard_nothing
        hears hears_nothing interrupted never_heard run_agent run_in_virtual_time said talks_over
        task_tree
    """,
    "trio_calls.voice": """
        BackdropScope Detector DetectorError EmptySpeechError EndOfTurn EndReason Endpointing
        FunctionDetector InterruptionScope LevelDetector ListenerTooSlowError ModelError
        ReactionTime Recording RecordingError SileroBatch SileroDetector SmartTurn Speech
        SpeechEnd SpeechEnding SpeechEvent SpeechEvents SpeechFrame SpeechModel SpeechOutcome
        SpeechPiece SpeechStart TimelineError Utterance Utterances Voice VoiceError
        VoiceStatistics WebRtcDetector converse open_voice
    """,
}

#: Packages that are private as a whole, as the first line of each says.
PRIVATE_ROOMS: Final = {
    *("call", "cli", "client", "concurrency", "demo", "transport", "web", "wire"),
    *(f"simulator.{room}" for room in ("exchange", "faults", "phones", "transcript")),
    *("voice.timeline", "voice.timeline.page"),
}

#: Files whose public names are the package's, and the pytest plugin, which has an entry point.
PUBLIC_FILES: Final = {
    "audio_format",
    "config",
    "endings",
    "errors",
    "events",
    "offer",
    "state",
    "testing.plugin",
}


def exported(module: str) -> list[str]:
    namespace = importlib.import_module(module)
    # The constants of events, which have no list beside them.
    names = getattr(namespace, "__all__", [name for name in vars(namespace) if name.isupper()])
    return sorted(names)


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_these_names_are_exported_and_no_others(module: str) -> None:
    assert exported(module) == sorted(EXPORTED[module].split())


def test_the_top_level_has_forty_names_at_the_most() -> None:
    assert len(exported("trio_calls")) <= 40


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_public_names_say_where_they_are_imported_from(module: str) -> None:
    namespace = vars(importlib.import_module(module))
    for name in exported(module):
        member = namespace[name]
        if inspect.isclass(member) or inspect.isfunction(member):
            assert member.__module__ == module, name
            assert pickle.loads(pickle.dumps(member)) is member


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_type_hints_of_public_classes_can_be_read(module: str) -> None:
    for name in exported(module):
        member = vars(importlib.import_module(module))[name]
        if inspect.isclass(member):
            typing.get_type_hints(member, localns={"trio": trio})


def test_a_traceback_names_an_error_as_an_application_does() -> None:
    error = trio_calls.WSSMediaError("lost")
    assert traceback.format_exception_only(error) == ["trio_calls.WSSMediaError: lost\n"]


@pytest.mark.parametrize(
    "method",
    [
        trio_calls.ActiveCall.answer,
        trio_calls.CallClient.drain,
        trio_calls.ClientConfig.from_env,
        inspect.getattr_static(trio_calls.ActiveCall, "state").fget,
    ],
)
def test_methods_say_it_too_so_that_tasks_do(method: object) -> None:
    assert getattr(method, "__module__", None) == "trio_calls"


def test_values_are_copied_and_pickled_as_before() -> None:
    audio_format = trio_calls.AudioFormat(8000, trio_calls.AudioMode.ISOLATED)
    for value in (audio_format, trio_calls.CallState.PENDING, trio_calls.AgentMode.SPY):
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.deepcopy(value) == value


def modules() -> list[str]:
    found = pkgutil.walk_packages(trio_calls.__path__)
    # Examples stand beside the package, except where it is installed from a wheel.
    return [module.name for module in found if module.name.partition(".")[0] != "examples"]


def test_what_is_private_can_be_told_by_its_name_or_room() -> None:
    public_packages = {module.partition(".")[2] for module in PUBLIC_MODULES}
    unclear = [
        module
        for module in modules()
        if module not in public_packages | PUBLIC_FILES
        and not any(f"{module}.".startswith(f"{room}.") for room in PRIVATE_ROOMS)
        and not any(part.startswith("_") for part in module.split("."))
    ]
    assert unclear == []


@pytest.mark.parametrize("room", sorted(PRIVATE_ROOMS))
def test_private_rooms_say_so(room: str) -> None:
    path = Path(*trio_calls.__path__, *room.split("."), "__init__.py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring is not None
    assert docstring.startswith("Private: ")
    assert len(docstring.splitlines()) >= 3
