"""Start, ready file, clean end, kill -9, and the lock on the data folder."""
import json
import os
import signal
import socket

import pytest

from footfall import BINARY, Server, wait_until

CLICK = {"event_id": "e-1", "user_id": "ann", "event_type": "click", "page_url": "/pricing"}


def clicks(server: Server) -> int:
    return server.count("ann", "/pricing")


def test_ready_file_names_the_process_and_the_addresses(server):
    assert server.ready["pid"] == server.process.pid
    assert server.ready["version"].count(".") == 2
    for listener in ("ingest", "query", "grpc", "admin"):
        host, port = server.ready[listener].rsplit(":", 1)
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port)), 5).close()
    assert server.admin.get("/readyz").status == 200


def test_sigterm_ends_with_0_and_removes_the_ready_file(server):
    server.terminate()
    assert not server.ready_file.exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGQUIT", "SIGHUP"])
def test_other_signals_end_it_as_sigterm_does(server, name):
    server.process.send_signal(getattr(signal, name))
    assert server.process.wait(15) == 0
    assert "draining" in server.stderr()
    assert not server.ready_file.exists()


@pytest.mark.parametrize("abstract", [False, True])
def test_a_service_manager_is_told(tmp_path, abstract):
    """As sd_notify(3) says; a socket that nobody reads holds up nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"\0footfall-{os.getpid()}" if abstract else str(tmp_path / "notify")
        manager.bind(name)
        manager.settimeout(10)
        shown = {"NOTIFY_SOCKET": name.replace("\0", "@")}
        with Server(environment=shown) as server:
            told = manager.recv(1000)
            while b"READY=1" not in told.splitlines():
                assert told.startswith(b"STATUS=not ready yet: "), told
                told = manager.recv(1000)
            assert server.admin.get("/readyz").status == 200
            server.process.send_signal(signal.SIGTERM)
            assert manager.recv(1000) == b"STATUS=draining\nSTOPPING=1"
            assert server.process.wait(15) == 0
    for nobody in ("/nowhere/notify", "vsock:2:1", "@" + "x" * 200):
        with Server(environment={"NOTIFY_SOCKET": nobody}) as server:
            server.terminate()


def test_what_nohup_started_outlives_its_terminal(tmp_path):
    script = tmp_path / "footfall"
    script.write_text(f"#!/bin/sh\ntrap '' HUP\nexec {BINARY} \"$@\"\n")
    script.chmod(0o755)
    with Server(binary=str(script)) as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.ingest.post("/v1/events", CLICK).status == 200
        assert server.admin.get("/readyz").status == 200
        server.terminate()


def test_all_is_served_while_balancers_look_away():
    with Server("--drain-delay-s", "600") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.admin.get("/readyz").status == 503)
        answer = server.client("admin").get("/readyz?role=ingest")
        assert answer.status == 503 and "drain" in answer.json()["detail"]
        assert server.client("ingest").post("/v1/events", CLICK).status == 200
        wait_until(lambda: clicks(server) == 1)
        server.terminate()  # The second signal ends the wait.


def test_the_drain_begins_when_the_delay_is_over():
    with Server("--drain-delay-s", "1") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) == 0
        assert "still serving for 1 s" in server.stderr()


def test_a_restart_finds_what_was_acknowledged(server):
    assert server.ingest.post("/v1/events", CLICK).status == 200
    server.restart()
    wait_until(lambda: clicks(server) == 1)
    assert server.audit() == {"ok": True, "differences": []}


def test_kill_9_loses_nothing_and_counts_nothing_twice(server):
    for number in range(20):
        event = {**CLICK, "event_id": f"e-{number}"}
        assert server.ingest.post("/v1/events", event).status == 200
        if number % 5 == 4:
            server.kill9()
            server.start()
            # A client that saw no answer sends again.
            assert server.ingest.post("/v1/events", event).status == 200
    wait_until(lambda: clicks(server) == 20)
    assert server.audit() == {"ok": True, "differences": []}


def test_a_second_server_on_the_same_data_says_who_holds_it(server):
    second = Server(data=server.data, start=False)
    with second:
        process = second.launch()
        assert process.wait(15) == 1
        assert f"in use by process {server.process.pid}" in second.stderr()
        assert str(server.data) in second.stderr()
    assert server.admin.get("/healthz").status == 200


def test_a_port_in_use_is_named(server):
    taken = server.address("ingest").rsplit(":", 1)[1]
    with Server(start=False, ports={"ingest": taken}) as second:
        assert second.launch().wait(15) == 1
        assert taken in second.stderr()


@pytest.mark.parametrize("make", [
    lambda path: path.write_text("x"),
    lambda path: path.symlink_to(path.parent / "nothing"),
], ids=["a file", "a broken link"])
def test_a_data_folder_that_is_none_is_refused(tmp_path, make):
    make(tmp_path / "data")
    with Server(data=tmp_path / "data", start=False) as server:
        assert server.launch().wait(15) == 1
        assert "is not a folder" in server.stderr()


def test_json_log_lines_are_json():
    with Server("--log-format", "json") as server:
        server.terminate()
        lines = server.stderr().splitlines()
        assert lines
        for line in lines:
            assert {"at", "level", "message"} <= json.loads(line).keys()


def test_the_data_folder_is_for_its_owner_alone(server):
    assert os.stat(server.data).st_mode & 0o777 == 0o700
