"""The network that the tests of a cluster stand on: each of its faults does what it says, to
one node alone, and nothing of it is left."""
import contextlib
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

import namespaces
from footfall import PATIENCE, wait_until
from namespaces import Network, told

SUPPORT = pathlib.Path(namespaces.__file__).parent
# Answers each line with itself.
ECHO = """
import socketserver, sys
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server((sys.argv[1], 7000), Echo).serve_forever()
"""


@pytest.fixture
def network():
    with Network("a", "b") as running:
        yield running


@contextlib.contextmanager
def echo(network: Network, name: str):
    """Where a program in the namespace answers."""
    process = subprocess.Popen([network.program(name, sys.executable), "-c", ECHO,
                                network.addresses[name]])
    try:
        wait_until(lambda: answers(network.addresses[name]), 10, f"{name} answers")
        yield process
    finally:
        process.kill()
        process.wait()


def answers(address: str, seconds: float = 0.5) -> bool:
    try:
        with socket.create_connection((address, 7000), timeout=seconds) as connection:
            connection.sendall(b"x\n")
            return connection.recv(2) == b"x\n"
    except OSError:
        return False


def reaches(network: Network, name: str, address: str) -> bool:
    """Whether from inside a namespace somebody answers there."""
    asking = ("import socket, sys\ns = socket.create_connection((sys.argv[1], 7000), 0.5)\n"
              "s.settimeout(0.5); s.sendall(b'x\\n'); sys.exit(s.recv(2) != b'x\\n')")
    return told(network.program(name, sys.executable), "-c", asking, address).returncode == 0


def test_cuts_of_one_node_and_their_end(network):
    bridge, a, b = network.address, network.addresses["a"], network.addresses["b"]
    with echo(network, "a"), echo(network, "b"):
        def seen() -> tuple[bool, bool, bool]:
            """The bridge to a, b to a, the bridge to b."""
            return answers(a), reaches(network, "b", a), answers(b)

        assert seen() == (True, True, True)
        for fault, expected in (
                (lambda: network.cut("a"), (False, False, True)),
                (lambda: network.cut_from("a", b), (True, False, True)),
                (lambda: network.cut_from("a", bridge), (False, True, True)),
                (lambda: network.cut_from("a", bridge, port="1"), (True, True, True)),
                (lambda: network.refuse("a", b, "1"), (True, True, True)),
                (lambda: network.deafen("a", bridge), (False, True, True)),
                (lambda: network.mute("a", b), (True, False, True))):
            fault()
            assert seen() == expected
            network.heal("a")
            wait_until(lambda: seen() == (True, True, True), 5, seen)


def test_one_way_is_one_way(network):
    address = network.addresses["a"]
    with echo(network, "a"), socket.create_connection((address, 7000), timeout=1) as connection:
        def is_told(text: bytes) -> bool:
            connection.sendall(text)
            try:
                return connection.recv(10) == text
            except TimeoutError:
                return False

        def received() -> int:
            packets = told("ip", "-n", network.space("a"), "-s", "-j", "link", "show", "eth0")
            return int(packets.stdout.split('"rx":{"bytes":', 1)[1].split(",", 1)[0])

        assert is_told(b"one\n")
        network.mute("a", network.address)
        before = received()
        assert not is_told(b"two\n")
        assert received() > before, "it came, and no answer did"
        network.heal("a")
        connection.settimeout(5)
        assert connection.recv(10) == b"two\n", "as nobody ended the connection"


def test_a_refused_connection_is_reset(network):
    asking = ("import socket, sys\ns = socket.create_connection((sys.argv[1], 7000), 5)\n"
              "print('made', flush=True); sys.stdin.read(1); s.sendall(b'x\\n')\n"
              "try:\n s.recv(1)\nexcept ConnectionResetError: print('reset')")
    with echo(network, "b"):
        process = subprocess.Popen(
            [network.program("a", sys.executable), "-c", asking, network.addresses["b"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "made\n"
        network.refuse("a", network.addresses["b"], "7000")
        assert process.communicate("x", 10)[0] == "reset\n"
        assert not reaches(network, "a", network.addresses["b"])
        network.heal("a")
        assert reaches(network, "a", network.addresses["b"])


def test_loss_is_about_what_was_asked(network):
    network.lose("a", 20)
    counting = ("import socket, sys, time\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
                "s.bind((sys.argv[1], 7001)); print('bound', flush=True); n = 0\n"
                "while s.recv(10) != b'end': n += 1\nprint(n)")
    process = subprocess.Popen([network.program("a", sys.executable), "-c", counting,
                                network.addresses["a"]], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "bound\n"
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.connect((network.addresses["a"], 7001))
        for number in range(1000):
            sender.send(b"x")
            time.sleep(0.0005)
        network.heal("a")
        sender.send(b"end")
    assert 740 < int(process.stdout.readline()) < 860
    assert process.wait(10) == 0


def test_a_slow_link_takes_its_time(network):
    text = b"x" * 250_000 + b"\n"

    def seconds() -> float:
        began = time.monotonic()
        with socket.create_connection((network.addresses["a"], 7000), timeout=20) as connection:
            connection.sendall(text)
            left = len(text)
            while left:
                left -= len(connection.recv(left))
        return time.monotonic() - began

    with echo(network, "a"):
        assert seconds() < 0.5 * PATIENCE
        network.slow("a", "1mbit")
        assert seconds() > 1.8, "2 Mbit there"
        network.heal("a")
        assert seconds() < 0.5 * PATIENCE


def test_nothing_is_left_even_of_a_process_that_was_killed():
    made = ("import os, subprocess, sys, time; from namespaces import Network\n"
            "with Network('a') as network:\n"
            "    subprocess.Popen([network.program('a', '/bin/sleep'), '600'])\n"
            "    print(network.bridge, flush=True); time.sleep(600)")
    process = subprocess.Popen([sys.executable, "-c", made], stdout=subprocess.PIPE, text=True,
                               env={"PYTHONPATH": str(SUPPORT), "PATH": "/usr/sbin:/usr/bin:/bin"})
    bridge = process.stdout.readline().strip()
    assert bridge in told("ip", "link").stdout and bridge in told("ip", "netns").stdout
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: bridge not in told("ip", "link").stdout
               and bridge not in told("ip", "netns").stdout, 10, "its network is gone")


def test_two_networks_at_once_share_nothing():
    with Network("a") as one, Network("a") as other:
        assert one.bridge != other.bridge and one.address != other.address
        with echo(one, "a"):
            assert answers(one.addresses["a"]) and not answers(other.addresses["a"])


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(namespaces.shutil, "which", lambda program: None)
    with pytest.raises(pytest.fail.Exception, match="missing: ip .iproute2.*nft .nftables."):
        Network("a").__enter__()
