"""What the server makes of salts, message ids, sequence numbers, containers and repetitions."""

import os
import struct
from typing import Any

import pytest
from telethon.crypto import AuthKey
from telethon.tl import TLObject, functions, types
from telethon.tl.core import GzipPacked, RpcResult

from bot.sandbox import Sandbox
from bot.sandbox.cipher import BadPacket, Envelope, seal, unseal
from bot.sandbox.session import SALT_SECONDS, Salts
from tests.sandbox.conftest import RawClient, container, introduced

CONFIG = introduced(functions.help.GetConfigRequest())
PING = bytes(functions.PingRequest(7))


@pytest.fixture
async def client(raw: Any) -> RawClient:
    """A raw client that has the right salt and has made its first call."""
    client: RawClient = await raw()
    await greet(client)
    return client


async def greet(client: RawClient) -> None:
    """Learn the salt and introduce the client."""
    client.send(CONFIG)
    client.salt = (await client.expect(types.BadServerSalt)).new_server_salt
    client.send(CONFIG)
    await client.expect(RpcResult)


async def test_a_wrong_salt_is_corrected_and_the_session_greeted(raw: Any) -> None:
    """The first message learns the salt; the first good one is greeted with new_session_created and answered."""
    client = await raw()
    refused = client.send(CONFIG)
    (correction,) = await client.messages()
    assert (correction.bad_msg_id, correction.bad_msg_seqno, correction.error_code) == (refused, 1, 48)
    client.salt = correction.new_server_salt
    msg_id = client.send(CONFIG)
    greeting = await client.expect(types.NewSessionCreated)
    assert (greeting.first_msg_id, greeting.server_salt) == (msg_id, client.salt)


async def test_greeting_and_answer_share_a_container(raw: Any) -> None:
    """What is due at one moment leaves in one container, numbered as the protocol says."""
    client = await raw()
    client.send(PING)
    client.salt = (await client.expect(types.BadServerSalt)).new_server_salt
    client.send(PING)
    kinds = [type(message) for message in await client.messages()]
    assert kinds == [types.NewSessionCreated, types.Pong]


async def test_server_ids_grow_and_say_what_they_are(client: RawClient) -> None:
    """Server msg_ids only grow and are 1 modulo 4 for answers; seqno counts the content-related messages."""
    seen = []
    for _ in range(20):
        client.send(PING)
        envelope = await client.envelope()
        assert (envelope.session_id, envelope.salt) == (client.session_id, client.salt)
        assert envelope.seqno % 2 == 0
        seen.append(envelope.msg_id)
    assert seen == sorted(set(seen))
    assert {msg_id % 4 for msg_id in seen} == {1}


async def test_rotated_salts_are_refused_until_learned(client: RawClient, sandbox: Sandbox) -> None:
    """After a rotation the old salt is refused once, and the new one works."""
    sandbox.rotate_salts()
    client.send(PING)
    client.salt = (await client.expect(types.BadServerSalt)).new_server_salt
    client.send(PING)
    assert (await client.expect(types.Pong)).ping_id == 7


def test_a_salt_lives_for_two_periods() -> None:
    """A salt is current for one period, accepted for another, and the coming ones are those that were announced."""
    now = [1_000_000.0 * SALT_SECONDS]
    salts, key = Salts(lambda: now[0]), AuthKey(os.urandom(256))
    first, announced = salts.current(key), salts.future(key, 3)
    assert announced[0].salt == first
    now[0] += SALT_SECONDS
    assert salts.accepted(key, first)
    assert salts.current(key) == announced[1].salt
    now[0] += SALT_SECONDS
    assert not salts.accepted(key, first)


@pytest.mark.parametrize(("ahead", "code"), [(-301, 16), (31, 17)])
async def test_a_msg_id_out_of_time_is_refused(client: RawClient, ahead: float, code: int) -> None:
    """A message from too far in the past or future is told so."""
    msg_id = client.send(PING, msg_id=client.next_id(ahead))
    notice = await client.expect(types.BadMsgNotification)
    assert (notice.bad_msg_id, notice.error_code) == (msg_id, code)


@pytest.mark.parametrize("ahead", [-290, 25])
async def test_a_msg_id_within_the_window_is_taken(client: RawClient, ahead: float) -> None:
    """The window is 300 seconds back and 30 ahead."""
    client.send(PING, msg_id=client.next_id(ahead), seqno=client.next_seqno() if ahead > 0 else 1)
    await client.expect(types.Pong)


async def test_a_msg_id_must_be_divisible_by_four(raw: Any) -> None:
    """The two low bits of a client's msg_id are zero."""
    client = await raw()
    await greet(client)
    client.send(PING, msg_id=client.next_id() + 1)
    assert (await client.expect(types.BadMsgNotification)).error_code in (18,)


@pytest.mark.parametrize(
    ("body", "seqno", "code"),
    [
        (PING, 1, 32),
        (PING, 4, 35),
        (bytes(types.MsgsAck([1])), 5, 34),
    ],
)
async def test_a_wrong_seqno_is_refused(client: RawClient, body: bytes, seqno: int, code: int) -> None:
    """seqno may not fall, must be odd for calls and even for acknowledgements."""
    client.send(body, seqno=seqno)
    assert (await client.expect(types.BadMsgNotification)).error_code == code


async def test_a_seqno_too_high_for_an_older_message_is_refused(client: RawClient) -> None:
    """A message that was sent earlier cannot have a higher number than one sent later."""
    earlier = client.next_id()
    client.send(PING)
    await client.expect(types.Pong)
    client.send(PING, msg_id=earlier, seqno=99)
    assert (await client.expect(types.BadMsgNotification)).error_code == 33


async def test_a_repeated_call_is_answered_again_and_worked_on_once(client: RawClient, sandbox: Sandbox) -> None:
    """A request with the same msg_id gets the same answer; the handler runs once."""
    served = len(sandbox.calls)
    msg_id = client.next_id()
    for _ in range(3):
        client.send(bytes(functions.help.GetNearestDcRequest()), msg_id=msg_id, seqno=7)
        answer = await client.expect(RpcResult)
        assert answer.req_msg_id == msg_id
    assert len(sandbox.calls) == served + 1


async def test_a_lost_answer_is_given_when_the_call_is_repeated(client: RawClient, raw: Any, sandbox: Sandbox) -> None:
    """A call whose answer was lost is acknowledged, and answered to the same session on another connection."""
    sandbox.faults.lose_reply("help.getNearestDc")
    msg_id = client.send(bytes(functions.help.GetNearestDcRequest()), seqno=7)
    assert (await client.expect(types.MsgsAck)).msg_ids == [msg_id]
    await client.close()
    again = await raw(key=client.key.key)
    again.session_id, again.salt = client.session_id, client.salt
    again.send(bytes(functions.help.GetNearestDcRequest()), msg_id=msg_id, seqno=7)
    assert (await again.expect(RpcResult)).req_msg_id == msg_id
    assert [call.method for call in sandbox.calls].count("help.getNearestDc") == 1


async def test_an_acknowledged_answer_is_forgotten(client: RawClient) -> None:
    """Once the client has acknowledged an answer, repeating the call brings nothing."""
    msg_id = client.send(bytes(functions.help.GetNearestDcRequest()))
    envelope = await client.envelope()
    client.send(bytes(types.MsgsAck([envelope.msg_id])), seqno=2 * client.sequence)
    client.send(bytes(functions.help.GetNearestDcRequest()), msg_id=msg_id, seqno=2 * client.sequence - 1)
    client.send(PING)
    assert [type(message) for message in await client.messages()] == [types.Pong]


async def test_a_resend_request_repeats_an_answer(client: RawClient) -> None:
    """msg_resend_req brings the answer again, as long as it was not acknowledged."""
    msg_id = client.send(bytes(functions.help.GetNearestDcRequest()))
    envelope = await client.envelope()
    client.send(bytes(types.MsgResendReq([envelope.msg_id])), seqno=2 * client.sequence)
    assert (await client.expect(RpcResult)).req_msg_id == msg_id


async def test_containers_are_opened(client: RawClient) -> None:
    """Every message in a container is acted on; an old one may be sent again inside a new container."""
    first, second = client.next_id(-1000), client.next_id()
    body = container((first, 1, PING), (second, 7, bytes(functions.PingRequest(8))))
    client.send(body, seqno=8)
    assert {message.ping_id for message in await client.messages()} == {7, 8}


@pytest.mark.parametrize("fault", ["newer inside", "nested", "cut", "empty", "too many"])
async def test_a_malformed_container_is_refused(client: RawClient, fault: str) -> None:
    """A container must be newer than its messages, hold one to 101 of them, and no container."""
    inner = (client.next_id(), 7, PING)
    body = {
        "newer inside": container((client.next_id() + (5 << 32), 7, PING)),
        "nested": container((client.next_id(), 8, container(inner))),
        "cut": container(inner)[:-4],
        "empty": container(),
        "too many": container(*[(client.next_id(), 7 + 2 * n, PING) for n in range(102)]),
    }[fault]
    client.send(body, seqno=1000)
    assert (await client.expect(types.BadMsgNotification)).error_code == 64


async def test_a_container_sent_twice_is_refused(client: RawClient) -> None:
    """The id of a container is used once."""
    body, msg_id = container((client.next_id(), 7, PING)), client.next_id()
    client.send(body, msg_id=msg_id, seqno=8)
    await client.expect(types.Pong)
    client.send(body, msg_id=msg_id, seqno=8)
    assert (await client.expect(types.BadMsgNotification)).error_code == 19


async def test_compressed_calls_are_read_and_long_answers_compressed(client: RawClient, sandbox: Sandbox) -> None:
    """gzip_packed works both ways."""
    sandbox.world.dcs.update({dc: ("127.0.0.1", 1) for dc in range(100, 200)})
    client.send(bytes(GzipPacked(bytes(functions.help.GetConfigRequest()))))
    body = (await client.envelope()).body
    assert struct.unpack_from("<IqI", body)[::2] == (RpcResult.CONSTRUCTOR_ID, GzipPacked.CONSTRUCTOR_ID)
    assert len(body) < 1500


async def test_service_requests_are_answered(client: RawClient) -> None:
    """Pings, salts, states, dropped answers and sessions each have their own answer."""
    msg_id = client.send(bytes(functions.GetFutureSaltsRequest(2)))
    salts = await client.expect(types.FutureSalts)
    assert (salts.req_msg_id, len(salts.salts), salts.salts[0].salt) == (msg_id, 2, client.salt)
    client.send(bytes(types.MsgsStateReq([msg_id, 4])), seqno=2 * client.sequence)
    assert (await client.expect(types.MsgsStateInfo)).info == "\4\1"
    client.send(bytes(functions.RpcDropAnswerRequest(msg_id)))
    assert (await client.expect(RpcResult)).body == bytes(types.RpcAnswerUnknown())
    client.send(bytes(functions.DestroySessionRequest(12345)))
    assert isinstance(await client.expect(types.DestroySessionNone), types.DestroySessionNone)
    client.send(bytes(types.HttpWait(0, 0, 0)), seqno=2 * client.sequence)
    client.send(bytes(functions.PingDelayDisconnectRequest(9, 0)))
    assert (await client.expect(types.Pong)).ping_id == 9
    with pytest.raises(EOFError):
        await client.packet()


async def test_another_session_of_the_key_can_be_destroyed(client: RawClient, raw: Any) -> None:
    """destroy_session forgets a session, once."""
    other = await raw(key=client.key.key)
    await greet(other)
    for kind in (types.DestroySessionOk, types.DestroySessionNone):
        client.send(bytes(functions.DestroySessionRequest(other.session_id)))
        assert (await client.expect(kind)).session_id == other.session_id


async def test_a_destroyed_key_is_unknown(client: RawClient) -> None:
    """After destroy_auth_key the key is answered with transport error 404."""
    client.send(bytes(functions.DestroyAuthKeyRequest()))
    await client.expect(types.DestroyAuthKeyOk)
    client.send(PING)
    assert await client.packet() == struct.pack("<i", -404)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (struct.pack("<I", 0xDEADBEEF), "INPUT_METHOD_INVALID"),
        (bytes(types.InputPeerSelf()), "INPUT_METHOD_INVALID"),
        (bytes(functions.help.GetNearestDcRequest()) + b"\0\0\0\0", "INPUT_REQUEST_TOO_LONG"),
        (bytes(functions.auth.CancelCodeRequest("1", "2"))[:-4], "INPUT_FETCH_ERROR"),
        (struct.pack("<I", GzipPacked.CONSTRUCTOR_ID) + TLObject.serialize_bytes(b"no gzip"), "INPUT_FETCH_ERROR"),
        (introduced(functions.help.GetNearestDcRequest(), layer=100), "CONNECTION_LAYER_INVALID"),
        (bytes(functions.InvokeAfterMsgRequest(1, functions.users.GetFullUserRequest(types.InputUserSelf()))), "401"),
    ],
)
async def test_what_is_no_proper_call_is_an_error(client: RawClient, sandbox: Sandbox, body: bytes, error: str) -> None:
    """Unknown, cut or overlong requests are refused and recorded."""
    client.send(body)
    result = await client.expect(RpcResult)
    assert error in f"{result.error.error_code} {result.error.error_message}"
    assert sandbox.calls[-1].error == f"{result.error.error_code} {result.error.error_message}"


async def test_a_key_must_introduce_itself(raw: Any) -> None:
    """The first call of a key carries invokeWithLayer and initConnection."""
    client = await raw()
    client.send(PING)
    client.salt = (await client.expect(types.BadServerSalt)).new_server_salt
    client.send(bytes(functions.help.GetNearestDcRequest()))
    assert (await client.expect(RpcResult)).error.error_message == "CONNECTION_NOT_INITED"


async def test_invoke_after_waits_and_fails_with_its_forerunner(client: RawClient, sandbox: Sandbox) -> None:
    """A call that depends on another waits for it, and is not made when that one failed."""
    sandbox.faults.delay("help.getNearestDc", 0.1)
    sandbox.faults.error("help.getNearestDc", 400, "FAILED_ON_PURPOSE")
    first = client.send(bytes(functions.help.GetNearestDcRequest()))
    client.send(bytes(functions.InvokeAfterMsgRequest(first, functions.help.GetConfigRequest())))
    errors = [(await client.expect(RpcResult)).error.error_message]
    errors += [(await client.expect(RpcResult)).error.error_message]
    assert errors == ["FAILED_ON_PURPOSE", "MSG_WAIT_FAILED"]


@pytest.mark.parametrize("change", ["key", "length", "padding"])
def test_a_packet_is_taken_only_as_it_was_sealed(change: str) -> None:
    """The msg_key, the length and the padding of a packet are checked."""
    key = AuthKey(os.urandom(256))
    body = {"key": PING, "length": PING[:-1], "padding": PING}[change]
    packet = seal(key, Envelope(1, 2, 4, 1, body), from_client=True)
    packet = {"key": packet[:8] + b"\0" * 16 + packet[24:], "length": packet, "padding": packet[:-1]}[change]
    with pytest.raises(BadPacket):
        unseal(key, packet)


@pytest.mark.parametrize("length", [4, 8, 12, 16, 1000, 70_000])
def test_sealing_and_unsealing_are_inverse(length: int) -> None:
    """An envelope comes out as it went in, in either direction."""
    key, envelope = AuthKey(os.urandom(256)), Envelope(-1, 2**62, 4, 1, os.urandom(length))
    for from_client in (True, False):
        assert unseal(key, seal(key, envelope, from_client=from_client), from_client=from_client) == envelope
