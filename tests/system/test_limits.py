"""Far more connections than a process may have files: others are served, the admin port
answers, nothing spins; and the same where the limit cannot be raised."""
import contextlib
import os
import resource
import socket
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from footfall import PATIENCE, Server, wait_until
from journal import gauge

IDLE = 1100
EVENT = {"event_id": "e", "user_id": "u", "event_type": "click", "page_url": "/p"}


class Limited(Server):
    """A server that may open so many files: softly, and at most."""

    def __init__(self, soft: int, hard: int, *options: str, **rest):
        self.limits = f"{soft}:{hard}"
        super().__init__(*options, **rest)

    def command(self) -> list[str]:
        return ["prlimit", f"--nofile={self.limits}", *super().command()]


@pytest.fixture(scope="module", autouse=True)
def many_files_for_us():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 4096, "these tests need 4,096 files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def idle_connections(address: str, count: int):
    """So many that say nothing; the server may end some of them."""
    host, port = address.rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection((host, int(port)), 10 * PATIENCE))
        yield


def cpu_seconds(server: Server) -> float:
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_served(server: Server, listener: str) -> bool:
    """One request on a new connection."""
    if listener == "grpc":
        with grpc.insecure_channel(server.address("grpc"),
                                   [("grpc.use_local_subchannel_pool", 1)]) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=2 * PATIENCE)
            except grpc.RpcError:
                return False
            return answer.status == health_pb2.HealthCheckResponse.SERVING
    client = server.client(listener)
    try:
        if listener == "ingest":
            return client.post("/v1/events", EVENT).status == 200
        path = "/readyz" if listener == "admin" else "/v1/stats/page?page_url=/p"
        return client.get(path).status == 200
    except OSError:  # Turned away before we had sent all.
        return False
    finally:
        client.close()


LISTENERS = ["ingest", "query", "grpc", "admin"]


def check_no_spin(server: Server) -> None:
    before, began = cpu_seconds(server), time.monotonic()
    wait_until(lambda: time.monotonic() > began + 1, 5)
    used = (cpu_seconds(server) - before) / (time.monotonic() - began)
    print(f"{used:.0%} of a core while the connections idle")
    assert used < 0.5 * PATIENCE


@pytest.mark.parametrize("flooded", LISTENERS)
def test_the_usual_soft_limit_is_raised(flooded):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with Limited(1024, hard) as server:
        with idle_connections(server.address(flooded), IDLE):
            for listener in LISTENERS:
                if listener == flooded == "admin":  # Its own cap is far lower.
                    wait_until(lambda: is_served(server, "admin"), 5, "room is made")
                else:
                    assert is_served(server, listener), f"{listener}: {server.stderr()}"
            check_no_spin(server)


def test_a_low_hard_limit_caps_connections():
    with Limited(256, 256) as server:
        assert "ulimit -Hn" in server.stderr(), server.stderr()
        with contextlib.ExitStack() as stack:
            for listener in ("ingest", "query", "grpc"):
                stack.enter_context(idle_connections(server.address(listener), IDLE))
            assert is_served(server, "admin")
            check_no_spin(server)
            # What idles makes room; gRPC gives those that say nothing 10 s.
            for listener in ("ingest", "query", "grpc"):
                wait_until(lambda: is_served(server, listener), 15, f"{listener} serves")
            assert is_served(server, "admin")
            open_now = len(os.listdir(f"/proc/{server.process.pid}/fd"))
            assert open_now < 250, "files have their reserve"
            assert gauge(server, "footfall_http_connections_refused_total") > 0
            assert gauge(server, "footfall_grpc_connections_refused_total") > 0
            assert server.audit()["ok"]
        wait_until(lambda: is_served(server, "grpc"), 10)


def test_admin_answers_beside_a_flood_of_its_own():
    """Connections to admin cannot take what the others need, and the other way round."""
    with Limited(256, 256) as server:
        with idle_connections(server.address("admin"), IDLE):
            for listener in ("ingest", "query", "grpc"):
                assert is_served(server, listener), listener
            wait_until(lambda: is_served(server, "admin"), 5, "room is made")


def test_too_few_files_are_refused_with_the_reason():
    with Limited(64, 64, start=False) as server:
        assert server.launch().wait(30 * PATIENCE) == 1
        assert "may open 64 files" in server.stderr() and "LimitNOFILE" in server.stderr()
