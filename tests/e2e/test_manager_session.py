"""The manager's session byte by byte, its parsers, and who is not let in."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devhost.pki import Pki
from tests.e2e.host import Host, bios_plan, create, destroy, wait_stats
from tests.e2e.manager import (
    EVENTS,
    REQUESTS,
    RESPONSES,
    ManagerSocket,
    client_context,
    connect,
    frame,
    open_session,
    request,
    send,
    subscribe,
)
from tests.e2e.manager_parsers import read_all_vm_stats, read_capabilities, read_host_stats
from vdsm.client import Client


@pytest.fixture(scope="module")
def context(pki: Pki) -> ssl.SSLContext:
    return client_context(pki)


@pytest.fixture
def session(host: Host, context: ssl.SSLContext) -> Iterator[ManagerSocket]:
    with open_session(host.daemons.port, context) as session:
        yield session


class TestSession:
    def test_everything_at_once_also_the_first_call(self, host: Host, context: ssl.SSLContext) -> None:
        """The manager waits for nothing: its first call is behind CONNECT in the same write."""
        asked = request("Host.getCapabilities")
        with ManagerSocket(host.daemons.port, context) as manager:
            manager.write(
                subscribe(EVENTS, "e"), subscribe(RESPONSES, "r"), connect(), send(asked, flow="first-flow")
            )  # fmt: skip
            assert manager.next().command == "CONNECTED"
            answer = manager.next()
            assert answer.command == "MESSAGE"
            assert answer.headers["destination"] == RESPONSES
            assert answer.headers["subscription"] == "r"
            assert answer.headers["content-type"] == "application/json"
            assert set(answer.json()) == {"jsonrpc", "id", "result"}
            assert answer.json()["id"] == asked["id"]

    def test_connect_may_come_byte_by_byte(self, host: Host, context: ssl.SSLContext) -> None:
        with ManagerSocket(host.daemons.port, context) as manager:
            for byte in connect():
                manager.write(bytes([byte]))
            assert manager.next().command == "CONNECTED"

    def test_disconnect_has_its_receipt(self, session: ManagerSocket) -> None:
        session.write(frame("UNSUBSCRIBE", {"id": "events"}), frame("DISCONNECT", {"receipt": "bye"}))
        answer = session.next()
        assert (answer.command, answer.headers["receipt-id"]) == ("RECEIPT", "bye")

    def test_only_version_1_2(self, host: Host, context: ssl.SSLContext) -> None:
        with ManagerSocket(host.daemons.port, context) as manager:
            manager.write(frame("CONNECT", {"accept-version": "1.1", "host": "h", "heart-beat": "0,0"}))
            answer = manager.next()
            assert (answer.command, answer.body) == ("ERROR", b"Version unsupported")

    def test_the_agent_beats_its_heart(self, host: Host, context: ssl.SSLContext) -> None:
        with ManagerSocket(host.daemons.port, context) as manager:
            manager.write(connect("0,1000"))
            assert manager.next().headers["heart-beat"] == "1000,0"
            assert manager.silent(2.6)
            assert manager.heart_beats >= 2

    def test_a_silent_manager_is_cut(self, host: Host, context: ssl.SSLContext) -> None:
        """It promised a sign of life each second and gave none."""
        with ManagerSocket(host.daemons.port, context) as manager:
            manager.write(connect("1000,0"))
            assert manager.next().headers["heart-beat"] == "0,1000"
            assert manager.rest() == b""

    def test_a_big_answer_is_whole(self, session: ManagerSocket) -> None:
        message = "ä" * 700_000
        assert session.call("Host.echo", {"message": message}) == message


class TestParsers:
    def test_capabilities(self, session: ManagerSocket) -> None:
        assert read_capabilities(session.call("Host.getCapabilities")) == []

    def test_host_stats(self, session: ManagerSocket) -> None:
        assert read_host_stats(session.call("Host.getStats")) == []

    def test_vm_stats_in_every_state(self, host: Host, manager: Client, session: ManagerSocket) -> None:
        assert session.call("Host.getAllVmStats") == []
        running = create(manager, bios_plan(has_display=True, cd_bus="ide", has_user_network=True))
        paused = create(manager, bios_plan(metadata={"launchPaused": True}), wait={"Paused"})
        broken = bios_plan(machine="no-such-machine")
        create(manager, broken, wait={"Down"})
        early = session.call("Host.getAllVmStats")
        wait_stats(manager, running, lambda now: "cpuUser" in now)
        whole = session.call("Host.getAllVmStats")
        for answer in (early, whole):
            assert read_all_vm_stats(answer) == []
            assert {vm["vmId"] for vm in answer} == {running, paused, broken.vm_id}
        (one,) = session.call("VM.getStats", {"vmID": running})
        assert read_all_vm_stats([one]) == []
        (down,) = session.call("VM.getStats", {"vmID": broken.vm_id})
        assert (down["exitCode"], down["exitReason"]) == (1, 3)
        assert down["exitMessage"]
        (still,) = session.call("VM.getStats", {"vmID": paused})
        assert (still["status"], still["pauseCode"]) == ("Paused", "NOERR")

    def test_lists(self, host: Host, manager: Client, session: ManagerSocket) -> None:
        vm_id = create(manager, bios_plan())
        for method in ("Host.getVMList", "Host.getVMFullList"):
            (row,) = session.call(method)
            assert set(row) == {"vmId", "status", "statusTime"}
            assert row["vmId"] == vm_id
        assert session.call("VM.getInfo", {"vmID": vm_id}) == row
        assert session.call("Host.getVMList", {"vmList": [str(uuid.uuid4())]}) == []
        assert set(session.call("Host.dumpxmls", {"vmList": [vm_id]})) == {vm_id}


class TestCalls:
    def test_equal_ids_on_two_connections(self, host: Host, context: ssl.SSLContext, session: ManagerSocket) -> None:
        with open_session(host.daemons.port, context) as other:
            for turn in range(50):
                session.write(send(request("Host.echo", {"message": f"one {turn}"}, request_id="same")))
                other.write(send(request("Host.echo", {"message": f"two {turn}"}, request_id="same")))
            for turn in range(50):
                assert session.wait(RESPONSES)["result"] == f"one {turn}"
                assert other.wait(RESPONSES)["result"] == f"two {turn}"

    def test_answers_go_to_the_reply_queue_that_is_asked_for(self, session: ManagerSocket) -> None:
        session.write(subscribe("my.replies", "mine"), send(request("Host.ping2", request_id=7), reply_to="my.replies"))
        answer = session.next()
        assert (answer.headers["destination"], answer.headers["subscription"]) == ("my.replies", "mine")
        assert answer.json() == {"jsonrpc": "2.0", "id": 7, "result": True}

    def test_a_batch_is_answered_as_one(self, session: ManagerSocket) -> None:
        session.write(
            send([
                request("Host.echo", {"message": "a"}, 1),
                {"jsonrpc": "2.0", "method": "Host.ping2", "params": {}},
                request("VM.getStats", {"vmID": str(uuid.uuid4())}, 2),
                request("No.such", {}, 3),
                request("Host.echo", {"message": "b"}, 4),
            ])
        )  # fmt: skip
        answers = {answer["id"]: answer for answer in session.wait(RESPONSES)}
        assert set(answers) == {1, 2, 3, 4}
        assert (answers[1]["result"], answers[4]["result"]) == ("a", "b")
        assert (answers[2]["error"]["code"], answers[3]["error"]["code"]) == (1, -32601)

    def test_a_notification_is_not_answered(self, session: ManagerSocket) -> None:
        session.write(send({"jsonrpc": "2.0", "method": "Host.ping2"}))
        assert session.call("Host.ping2") is True
        assert session.silent(0.2)

    def test_unknown_parameters_are_let_pass(self, session: ManagerSocket) -> None:
        assert session.call("Host.echo", {"message": "m", "leafVolID": "x", "more": {"a": [1]}}) == "m"

    def test_parameters_by_position(self, session: ManagerSocket) -> None:
        assert session.call("Host.echo", ["by position"]) == "by position"

    def test_numbers_as_text_and_text_as_numbers(self, session: ManagerSocket) -> None:
        assert session.call("Host.echo", {"message": 42}) == "42"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"jsonrpc": "1.0", "method": "Host.ping2", "id": 1}, -32600),
            ({"jsonrpc": "2.0", "id": 1}, -32600),
            ({"jsonrpc": "2.0", "method": "Host.ping2", "params": 5, "id": 1}, -32600),
            ([], -32600),
            (request("Host.frobnicate"), -32601),
            (request("Host.echo"), -32602),
            (request("VM.create", {"vmID": "x", "vmParams": 5}), -32602),
        ],
    )
    def test_errors_have_an_int_code_and_a_message(self, session: ManagerSocket, body: Any, code: int) -> None:
        session.write(send(body))
        error = session.wait(RESPONSES)["error"]
        assert set(error) == {"code", "message"}
        assert error["code"] == code
        assert error["message"]
        assert session.call("Host.ping2") is True

    def test_what_is_no_json(self, session: ManagerSocket) -> None:
        session.write(frame("SEND", {"destination": REQUESTS, "reply-to": RESPONSES}, b"{never"))
        assert session.wait(RESPONSES)["error"]["code"] == -32700

    def test_a_missing_parameter_is_named(self, session: ManagerSocket) -> None:
        assert "message" in session.call("Host.echo")["message"]


class TestEvents:
    def test_the_life_of_a_vm(self, host: Host, manager: Client, session: ManagerSocket) -> None:
        """Times grow and are those of the statistics, so that the manager can put both in one order."""
        vm_id = create(manager, bios_plan())
        manager.call("VM.pause", {"vmID": vm_id})
        seen = [self._event(session, vm_id) for _ in range(3)]
        assert [event["status"] for event, _ in seen] == ["WaitForLaunch", "Powering up", "Paused"]
        assert seen[2][0]["pauseCode"] == "NOERR"
        (now,) = session.call("VM.getStats", {"vmID": vm_id})
        assert now["statusTime"] == str(seen[-1][1])
        destroy(manager, vm_id)
        seen.append(self._event(session, vm_id))
        last, _ = seen[-1]
        assert last["status"] == "Down"
        assert (last["exitCode"], last["exitReason"]) == (0, 6)
        assert last["exitMessage"]
        assert isinstance(last["timeOffset"], str | int)
        times = [at for _, at in seen]
        assert times == sorted(set(times))
        assert all(type(at) is int for at in times)

    def test_the_time_of_an_event_is_that_of_the_statistics_at_once(
        self, host: Host, manager: Client, session: ManagerSocket
    ) -> None:
        vm_id = create(manager, bios_plan())
        for _ in range(2):
            self._event(session, vm_id)
        for turn in range(10):
            manager.call("VM.pause" if turn % 2 == 0 else "VM.cont", {"vmID": vm_id})
            (row,) = manager.call("Host.getVMList", {})
            event, at = self._event(session, vm_id)
            assert (event["status"], str(at)) == (row["status"], row["statusTime"])

    def test_nobody_hears_events_without_asking(self, host: Host, context: ssl.SSLContext, manager: Client) -> None:
        with open_session(host.daemons.port, context, events=False) as deaf:
            create(manager, bios_plan())
            assert deaf.silent(0.2)

    @staticmethod
    def _event(session: ManagerSocket, vm_id: str) -> tuple[dict[str, Any], int]:
        event = session.wait(EVENTS)
        assert set(event) == {"jsonrpc", "method", "params"}
        assert event["method"] == f"|virt|VM_status|{vm_id}"
        assert set(event["params"]) == {vm_id, "notify_time"}
        return event["params"][vm_id], event["params"]["notify_time"]


class TestWhoIsLetIn:
    def test_no_certificate(self, host: Host, pki: Pki) -> None:
        self._assert_refused(host, client_context(pki, certificate=False))

    def test_the_certificate_of_another_authority(self, host: Host, pki: Pki, tmp_path: Path) -> None:
        certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=administrator", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        stranger = client_context(pki, certificate=False)
        stranger.load_cert_chain(certificate, key)
        self._assert_refused(host, stranger)

    def test_no_tls(self, host: Host) -> None:
        with socket.create_connection(("127.0.0.1", host.daemons.port), 10) as plain:
            plain.sendall(connect() + subscribe(RESPONSES, "r") + send(request("Host.ping2")))
            assert b"CONNECTED" not in _rest(plain)
        assert host.ask("Host.ping2") is True

    @staticmethod
    def _assert_refused(host: Host, context: ssl.SSLContext) -> None:
        """With TLS 1.3 the client's handshake ends before the agent has looked at its certificate."""
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError), match=r"(?i)alert|reset|closed|pipe"):  # noqa: PT012, SIM117 - refused at one of the steps
            with ManagerSocket(host.daemons.port, context) as manager:
                manager.write(connect(), subscribe(RESPONSES, "r"), send(request("Host.ping2")))
                manager.next()
        assert json.dumps(host.ask("Host.ping2")) == "true"


def _rest(sock: socket.socket) -> bytes:
    data = b""
    try:
        while more := sock.recv(4096):
            data += more
    except ConnectionError:
        pass
    return data
