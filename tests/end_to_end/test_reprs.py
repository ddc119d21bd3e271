"""No object of ours shows a secret, to a debugger, in a log, or in a traceback with its locals."""

import gc
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import attrs
import pytest
import trio

import trio_calls
from tests.support.leaks import Secrets, find_leaks, forms
from tests.support.phone_calls import speech
from trio_calls import ActiveCall, serve_calls
from trio_calls._quoting import Secret
from trio_calls.config import WireName
from trio_calls.simulator import answers, open_simulator
from trio_calls.transport import HandshakeRequest
from trio_calls.wire.control_wire import RingingCall

API_KEY = "the-key-of-the-test-of-reprs"
CONNECTOR_UUID = "the-connector-of-the-test-of-reprs"
SECRETS = Secrets(
    {form: "a credential" for name in (API_KEY, CONNECTOR_UUID) for form in forms(name)}
)

#: Fields that hold a secret, whatever class they are in.
SECRET_FIELDS = {
    *("api_key", "connector_uuid", "cert_path", "key_path", "ssl_context"),
    *("token", "url", "headers", "frame", "pcm", "samples", "heard"),
}
#: Fields of text that hold a telephone number, where people call and write who are none of ours.
NUMBER_FIELDS = {
    *("remote_address", "local_address", "sender", "participant", "subscriber"),
    *("caller", "callee", "caller_number", "callee_number"),
}
#: Who calls here is made up.
SIMULATED = tuple(f"trio_calls.{room}" for room in ("cli.", "demo.", "simulator.", "wire.dialing"))
#: The address of the simulator, and a frame that a test has made up.
HARMLESS = {"Order.url", "_SendMalformed.frame"}


def our_classes() -> Iterator[type]:
    found = pkgutil.walk_packages(trio_calls.__path__, "trio_calls.")
    for name in ["trio_calls", *(module.name for module in found)]:
        if not name.endswith("__main__"):
            module = importlib.import_module(name)
            for _, member in inspect.getmembers(module, inspect.isclass):
                if member.__module__ == module.__name__:
                    yield member


@pytest.mark.parametrize("attrs_class", sorted(filter(attrs.has, our_classes()), key=str))
def test_fields_with_a_secret_are_not_shown(attrs_class: type[attrs.AttrsInstance]) -> None:
    for field in attrs.fields(attrs_class):
        is_data = field.type in {bytes, bytearray, "bytes", "bytearray"}
        if f"{attrs_class.__name__}.{field.name}" not in HARMLESS:
            is_secret = is_data or field.name in SECRET_FIELDS
            assert not is_secret or field.repr is not True, field.name


@pytest.mark.parametrize("attrs_class", sorted(filter(attrs.has, our_classes()), key=str))
def test_telephone_numbers_are_not_shown(attrs_class: type[attrs.AttrsInstance]) -> None:
    for field in attrs.fields(attrs_class):
        is_number = field.name in NUMBER_FIELDS and "str" in str(field.type)
        is_shown = is_number and field.repr is True
        assert not is_shown or attrs_class.__module__.startswith(SIMULATED), field.name


class Witness:
    """Looks at every object of ours that there is, and notes of which classes they are."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def look(self) -> None:
        for each in gc.get_objects():
            # Of some types of C, it is no string.
            if str(type(each).__module__).partition(".")[0] == "trio_calls":
                self.seen.add(type(each).__name__)
                # A secret is used as text, and shown by its repr.
                shown = repr(each) if isinstance(each, Secret) else f"{each!r} {each}"
                assert find_leaks(shown, SECRETS) == set(), type(each)


async def test_no_object_shows_a_secret_while_a_call_goes_on(wire: WireName) -> None:
    witness = Witness()
    talks, has_looked = trio.Event(), trio.Event()

    async def handle_call(call: ActiveCall) -> None:
        witness.look()
        await call.answer()
        await call.send_audio(speech(2, 3.0))
        await call.connect()
        heard = call.audio_stream()
        await anext(heard)
        talks.set()
        await has_looked.wait()
        async for _ in heard:
            pass

    async with (
        open_simulator(api_key=API_KEY, connector_uuid=CONNECTOR_UUID, wire=wire) as simulator,
        trio.open_nursery() as nursery,
    ):
        config = attrs.evolve(simulator.config, crash_on_handler_error=True)
        await nursery.start(serve_calls, handle_call, config)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        call.caller.say_nowait(speech(1, 5.0))
        await talks.wait()
        request = HandshakeRequest("/", {"authorization": f"Bearer {API_KEY}"})
        witness.look()
        has_looked.set()
        call.caller.hang_up()
        await call.wait_ended()
        witness.look()
        nursery.cancel_scope.cancel()
    del request
    assert witness.seen >= {
        *("ClientConfig", "CallClient", "ControlConnection", "Session", "RingingCall"),
        *("ActiveCall", "CallCore", "MediaConnection", "CallProtocol", "CommandQueue"),
        *("MediaWriter", "OutgoingAudio", "ReceivedAudio", "AudioStream", "HandshakeRequest"),
        *("Simulator", "SimulatedCall", "Phone", "Leg", "Utterance", "Identifiers"),
    }


def test_a_call_in_shows_neither_token_nor_address() -> None:
    call_in = RingingCall(call_id="c", url=f"ws://host?{API_KEY}", token=CONNECTOR_UUID)
    assert find_leaks(f"{call_in} {call_in!r}", SECRETS) == set()
