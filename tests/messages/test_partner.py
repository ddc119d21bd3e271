"""The simulator's partner, who writes and reads, and what its exchange makes of SDKs."""

from __future__ import annotations

import math

import pytest
import trio
from trio.testing import wait_all_tasks_blocked as quiet

from tests.support.peers.messaging import API_VERSION, Frame, body, text
from tests.support.peers.sdk import RawControl, open_pair
from tests.support.wires import on_the_first_wire
from trio_calls import CallClient, events, open_call_client
from trio_calls.sessions import (
    Conversation,
    WSSMessageInDoubtError,
    WSSMessageOverflowError,
    WSSSessionError,
    WSSSessionExistsError,
    WSSSessionNotFoundError,
)
from trio_calls.simulator import (
    Partner,
    PartnerGone,
    Simulator,
    answer_late,
    answer_twice,
    at_frame,
    cut_control,
    duplicate_offer,
    jitter,
    never_answer,
    open_simulator,
    refuse,
    restart,
    stall,
)
from trio_calls.wire.first.control import SessionClosed, SessionNotify, SessionReady
from trio_calls.wire.first.messaging import MessageIn
from trio_calls.wire.responses import Response


async def echo(conversation: Conversation) -> None:
    """Say back what is written."""
    async for message in conversation:
        await conversation.send(api_version=API_VERSION, data=text(body(message)))


async def write_and_read(partner: Partner, *texts: str) -> list[str | None]:
    for each in texts:
        partner.write(each)
    return [(await partner.wait_reply()).text for _ in texts]


async def open_echo(client: CallClient, simulator: Simulator) -> Partner:
    client.on(events.INCOMING_MESSAGE)(echo)
    partner = simulator.place_message(content="hello")
    assert (await partner.wait_reply()).text == "hello"
    return partner


@on_the_first_wire
async def test_a_conversation_as_both_sides_see_it(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(echo)
        partner = simulator.place_message(sender="6591", receiver="6562", content="hello")
        reply = await partner.wait_reply()
        assert (reply.text, reply.api_version, reply.is_from_agent) == ("hello", API_VERSION, True)
        assert await write_and_read(partner, "1", "2", "3") == ["1", "2", "3"]
        assert [each.text for each in partner.replies] == ["hello", "1", "2", "3"]
        said = [(each.is_from_agent, each.text) for each in partner.messages]
        assert said[:2] == [(False, "hello"), (True, "hello")]
        assert sorted(said[2:]) == [(who, str(n)) for who in (False, True) for n in (1, 2, 3)]
        (conversation,) = client.conversations
        assert (conversation.remote_address, conversation.local_address) == ("6591", "6562")
        assert partner.number == "6591"
        assert partner.is_open
        partner.close()
        await partner.wait_closed()
        await quiet()
        assert (partner.is_open, partner.close_reason) == (False, "FORCE_CLOSE")
        assert client.conversations == ()
    assert simulator.violations == []
    assert simulator.partners == [partner]
    assert "closed, FORCE_CLOSE" in repr(partner)


@on_the_first_wire
async def test_the_transcript_has_its_frames_and_not_what_was_written(
    simulator: Simulator,
) -> None:
    async with open_call_client(simulator.config) as client:
        partner = await open_echo(client, simulator)
        partner.close(reason="SDK_REQUEST")
        await quiet()
    assert [entry.what.partition(" (")[0] for entry in partner.transcript] == [
        "session.notify NEW_INCOMING_MESSAGE",
        "session.open",
        "response ok",
        "session.ready",
        "wa.msg.in",
        "wa.msg.out",
        "response ok",
        "session.closed SDK_REQUEST",
    ]
    assert "hello" not in str(simulator.transcript)


@on_the_first_wire
async def test_whatever_is_no_text_goes_through_as_it_is(simulator: Simulator) -> None:
    content = {"type": "image", "image": {"id": "1"}, "none": None}
    got: list[Frame] = []

    async def handle(conversation: Conversation) -> None:
        got.append((await anext(conversation)).content)
        await conversation.send(api_version="v24.0", data={"type": "reaction"})

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        partner = simulator.place_message(content=content)
        reply = await partner.wait_reply()
    assert got == [content]
    assert (reply.content, reply.text, reply.api_version) == ({"type": "reaction"}, None, "v24.0")


@on_the_first_wire
async def test_who_writes_again_is_in_the_same_conversation(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        partner = await open_echo(client, simulator)
        assert simulator.place_message(content="again") is partner
        assert (await partner.wait_reply()).text == "again"
        assert len(client.conversations) == 1
        partner.close()
        other = simulator.place_message(content="anew")
        assert other is not partner
        assert (await other.wait_reply()).text == "anew"


@on_the_first_wire
async def test_a_partner_whose_conversation_is_over(simulator: Simulator) -> None:
    partner = simulator.place_message()
    partner.close()
    partner.close(reason="too late")
    assert partner.close_reason == "FORCE_CLOSE"
    with pytest.raises(PartnerGone):
        partner.write("hello?")
    with pytest.raises(PartnerGone):
        await partner.wait_reply()
    with pytest.raises(PartnerGone):
        await partner.wait_claimed()


@on_the_first_wire
async def test_what_cannot_travel_is_not_written(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="Length"):
        simulator.place_message(sender="1" * 513)
    assert simulator.partners == []
    with pytest.raises(ValueError, match="JSON"):
        simulator.place_message(content={"n": math.nan})


@on_the_first_wire
async def test_what_is_written_waits_for_an_sdk(simulator: Simulator) -> None:
    partner = simulator.place_message(content="1")
    partner.write("2")
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(echo)
        assert [(await partner.wait_reply()).text for _ in range(2)] == ["1", "2"]


async def test_finished_conversations_are_forgotten() -> None:
    async with open_simulator(keep_finished_calls=1) as simulator:
        for number in range(3):
            simulator.place_message(content=str(number)).close()
        assert [each.messages[0].text for each in simulator.partners] == ["2"]
        async with open_call_client(simulator.config) as client:
            with pytest.raises(WSSSessionNotFoundError):
                async with client.open_conversation("forgotten"):
                    pass


@on_the_first_wire
async def test_of_two_clients_one_has_the_conversation(simulator: Simulator) -> None:
    async with (
        open_call_client(simulator.config) as one,
        open_call_client(simulator.config) as other,
    ):
        for client in (one, other):
            client.on(events.INCOMING_MESSAGE)(echo)
        partner = simulator.place_message()
        assert await write_and_read(partner, "1", "2") == ["Hello", "1"]
        assert len(one.conversations + other.conversations) == 1
    assert simulator.violations == []


@on_the_first_wire
async def test_cuts_lose_nothing_that_is_written_meanwhile(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        partner = await open_echo(client, simulator)
        (conversation,) = client.conversations
        for number in range(10):
            simulator.inject(cut_control(), call=partner)
            await quiet()
            assert await write_and_read(partner, str(number)) == [str(number)]
        assert client.conversations == (conversation,)
        assert conversation.ending is None
    assert simulator.violations == []


@on_the_first_wire
@pytest.mark.parametrize("number", range(1, 10))
async def test_a_cut_at_any_frame_leaves_both_sides_well(simulator: Simulator, number: int) -> None:
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(echo)
        partner = simulator.place_message(content="1")
        simulator.inject(cut_control(), call=partner, when=at_frame(number))
        await trio.sleep(1)
        partner.write("2")
        await trio.sleep(100)
        # The answer that was on its way is in doubt; what is written after that is answered.
        assert await write_and_read(partner, "3") in (["1"], ["2"], ["3"])
        await trio.sleep(1)
        assert partner.replies[-1].text == "3"
        assert len(client.conversations) <= 1
        assert partner.is_open
    assert simulator.violations == []


@on_the_first_wire
@pytest.mark.parametrize(
    "fault",
    [restart(seconds=3), stall(seconds=5, connection="control"), jitter(seconds=1)],
    ids=str,
)
async def test_other_troubles_pass(simulator: Simulator, fault: object) -> None:
    async with open_call_client(simulator.config) as client:
        partner = await open_echo(client, simulator)
        simulator.inject(fault, call=partner)  # type: ignore[arg-type]
        await trio.sleep(0.1)
        assert await write_and_read(partner, "1", "2") == ["1", "2"]
    assert simulator.violations == []


@on_the_first_wire
async def test_a_repeated_offer_changes_nothing(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        partner = await open_echo(client, simulator)
        simulator.inject(duplicate_offer(), call=partner)
        await quiet()
        assert await write_and_read(partner, "1") == ["1"]
        whats = [entry.what for entry in partner.transcript]
        assert len([what for what in whats if what.startswith("session.open")]) == 1


@on_the_first_wire
class TestFaultsOfMessages:
    async def test_refused(self, simulator: Simulator) -> None:
        async with (
            open_call_client(simulator.config) as client,
            client.open_conversation(simulator.place_message().session_id) as conversation,
        ):
            simulator.inject(refuse("wa.msg.out", error_code="OVERFLOW"))
            with pytest.raises(WSSMessageOverflowError) as refused:
                await conversation.send(api_version=API_VERSION, data=text("1"))
            assert refused.value.error_content == {"message": refused.value.error_message}
            await conversation.send(api_version=API_VERSION, data=text("2"))
        assert [each.text for each in simulator.partners[0].replies] == ["2"]

    async def test_never_answered(self, simulator: Simulator) -> None:
        async with (
            open_call_client(simulator.config) as client,
            client.open_conversation(simulator.place_message().session_id) as conversation,
        ):
            simulator.inject(never_answer("wa.msg.out"))
            with pytest.raises(WSSMessageInDoubtError) as doubt:
                await conversation.send(api_version=API_VERSION, data=text("1"))
            (reply,) = simulator.partners[0].replies
            assert reply.client_message_id == doubt.value.client_message_id

    @pytest.mark.parametrize("fault", [answer_late("wa.msg.out", seconds=20), None])
    async def test_late_or_twice(self, simulator: Simulator, fault: object) -> None:
        async with (
            open_call_client(simulator.config) as client,
            client.open_conversation(simulator.place_message().session_id) as conversation,
        ):
            simulator.inject(fault or answer_twice("wa.msg.out"))  # type: ignore[arg-type]
            await conversation.send(api_version=API_VERSION, data=text("1"))
            assert trio.current_time() == (20 if fault else 0)

    async def test_only_that_of_the_partner_who_is_named(self, simulator: Simulator) -> None:
        other, named = (simulator.place_message(sender=each) for each in ("1", "2"))
        simulator.inject(refuse("wa.msg.out", error_code="OVERFLOW"), call=named)
        async with (
            open_call_client(simulator.config) as client,
            client.open_conversation(other.session_id) as first,
            client.open_conversation(named.session_id) as second,
        ):
            await first.send(api_version=API_VERSION, data=text("1"))
            with pytest.raises(WSSMessageOverflowError):
                await second.send(api_version=API_VERSION, data=text("1"))

    async def test_a_claim_can_be_refused_as_well(self, simulator: Simulator) -> None:
        partner = simulator.place_message()
        simulator.inject(refuse("session.open", error_code="QUOTA_EXCEEDED"), call=partner)
        async with open_call_client(simulator.config) as client:
            with pytest.raises(WSSSessionError, match="QUOTA_EXCEEDED"):
                async with client.open_conversation(partner.session_id):
                    pass
            assert not partner.was_claimed


async def send(control: RawControl, session_id: str) -> Response:
    await control.websocket.send(
        '{"type":"wa.msg.out","reqId":"r","data":{"sessionId":"'
        + session_id
        + '","clientMsgId":"m","apiVersion":"v1","data":{}}}'
    )
    return await control.expect(Response)


class TestTheExchange:
    async def test_a_message_waits_until_the_sdk_is_ready(self) -> None:
        async with open_pair() as (simulator, sdk):
            control = await sdk.open_control()
            partner = simulator.place_message(content="1")
            offer = await control.expect(SessionNotify)
            assert (offer.channel, offer.activity) == ("WA", "NEW_INCOMING_MESSAGE")
            assert (await control.claim(partner.session_id)).is_ok
            await partner.wait_claimed()
            partner.write("2")
            assert await control.is_quiet()
            await control.send(SessionReady(partner.session_id))
            for each in "12":
                message = await control.expect(MessageIn)
                assert message.content["text"] == {"body": each}
            partner.close()
            assert (await control.expect(SessionClosed)).reason == "FORCE_CLOSE"

    @pytest.mark.parametrize(
        ("whose", "code", "is_violation"),
        [
            ("nobody's", "SESSION_NOT_FOUND", True),
            ("not claimed", "SESSION_NOT_OPEN", True),
            ("another's", "SESSION_NOT_OPEN", True),
            ("closed", "SESSION_NOT_OPEN", False),
            ("a call", "INVALID_CHANNEL", False),
        ],
    )
    async def test_what_an_sdk_may_not_send_to(
        self, whose: str, code: str, is_violation: bool
    ) -> None:
        async with open_pair() as (simulator, sdk):
            partner = simulator.place_message()
            session_id = partner.session_id
            match whose:
                case "nobody's":
                    session_id = "nobody's"
                case "another's":
                    other = await sdk.open_control()
                    await other.expect(SessionNotify)
                    assert (await other.claim(session_id)).is_ok
                case "closed":
                    partner.close()
                case "a call":
                    partner.close()
                    session_id = simulator.place_call().session_id
            control = await sdk.open_control()
            if whose in {"nobody's", "not claimed", "a call"}:
                await control.expect(SessionNotify)
            response = await send(control, session_id)
            assert (response.is_ok, response.error_code) == (False, code)
            faults = [each.fault for each in simulator.violations]
            assert faults == ["wa.msg.out for a session that it does not hold"] * is_violation
            assert partner.replies == []

    async def test_ready_for_what_it_does_not_hold_is_a_violation(self) -> None:
        async with open_pair() as (simulator, sdk):
            control = await sdk.open_control()
            partner = simulator.place_message()
            await control.expect(SessionNotify)
            await control.send(SessionReady(partner.session_id))
            assert await control.is_quiet()
            assert [each.fault for each in simulator.violations] == [
                "session.ready for a session that it does not hold"
            ]

    async def test_a_lost_sdk_leaves_what_was_not_delivered(self) -> None:
        async with open_pair() as (simulator, sdk):
            lost, other = await sdk.open_control(), await sdk.open_control()
            partner = simulator.place_message(content="1")
            for control in (lost, other):
                await control.expect(SessionNotify)
            assert (await lost.claim(partner.session_id)).is_ok
            refused = await other.claim(partner.session_id)
            assert refused.error_code == "SESSION_BUSY"
            assert refused.holder == lost.connection_id
            await lost.websocket.aclose()
            assert (await other.expect(SessionNotify)).session_id == partner.session_id
            assert (await other.claim(partner.session_id)).is_ok
            await other.send(SessionReady(partner.session_id))
            assert (await other.expect(MessageIn)).content["text"] == {"body": "1"}
            await other.websocket.aclose()
            await trio.sleep(1)
            # Nothing waits any more: it is offered with the next message.
            late = await sdk.open_control()
            assert await late.is_quiet()
            partner.write("2")
            await late.expect(SessionNotify)

    async def test_a_second_ready_brings_nothing_twice(self) -> None:
        async with open_pair() as (simulator, sdk):
            control = await sdk.open_control()
            partner = simulator.place_message()
            await control.expect(SessionNotify)
            await control.claim(partner.session_id)
            for _ in range(2):
                await control.send(SessionReady(partner.session_id))
            await control.expect(MessageIn)
            assert await control.is_quiet()
            assert (await send(control, partner.session_id)).content["messages"][0]["id"]
            assert simulator.violations == []


@on_the_first_wire
class TestSessionsOfMessages:
    async def test_a_close_by_the_agent(self, simulator: Simulator) -> None:
        async with open_call_client(simulator.config) as client:
            partner = await open_echo(client, simulator)
            (conversation,) = client.conversations
            await conversation.close()
            assert trio.current_time() == 0
            assert str(conversation.ending) == "an application closed it (SDK_REQUEST)"
        assert partner.close_reason == "SDK_REQUEST"
        assert simulator.violations == []

    async def test_who_writes_first_starts_a_session(self, simulator: Simulator) -> None:
        async with open_call_client(simulator.config) as client:
            session_id = await client.sessions.create("WA", "6591")
            async with client.open_conversation(session_id) as conversation:
                await conversation.send(api_version=API_VERSION, data=text("hello"))
                (partner,) = simulator.partners
                assert (partner.number, partner.replies[0].text) == ("6591", "hello")
                simulator.place_message(sender="6591", content="who is this?")
                assert body(await anext(conversation)) == "who is this?"
            with pytest.raises(WSSSessionExistsError) as exists:
                await client.sessions.create("WA", "6591")
            async with client.open_conversation(exists.value) as again:
                assert again is conversation
            (listed,) = await client.sessions.list(channel="WA")
            assert (listed.session_id, listed.initiator) == (session_id, "SDK")
            await client.sessions.close(session_id)
            assert await client.sessions.list() == []
        assert partner.close_reason == "SDK_REQUEST"
        assert simulator.violations == []

    async def test_messages_that_are_switched_off_are_not_offered(
        self, simulator: Simulator
    ) -> None:
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_MESSAGE)(echo)
            flow = {"outbound_calls": False, "outbound_messages": False}
            await client.set_call_flow(inbound_calls="all", inbound_messages=False, **flow)
            partner = simulator.place_message(content="hello")
            await trio.sleep(10)
            assert not partner.was_claimed
            await client.set_call_flow(inbound_calls="all", inbound_messages=True, **flow)
            assert (await partner.wait_reply()).text == "hello"

    async def test_a_close_in_a_clean_up_is_heard(self, simulator: Simulator) -> None:
        async def handle(conversation: Conversation) -> None:
            try:
                async for _ in conversation:
                    pass
            finally:
                await conversation.close()

        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_MESSAGE)(handle)
            partner = simulator.place_message()
            await partner.wait_claimed()
            await quiet()
        assert partner.close_reason == "SDK_REQUEST"


def test_there_is_no_such_request() -> None:
    with pytest.raises(ValueError, match=r"session\.ready"):
        never_answer("session.ready")
