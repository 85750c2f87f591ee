"""A network of this machine alone: a bridge, and for each node a network namespace, so that
nodes can be cut from each other and from the services, one way or both, or be slow.

The services and the test stand on the bridge, in the namespace that the test runs in."""
from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import pytest

# RFC 2544 keeps 198.18.0.0/15 for tests of networks: 8192 networks of 14 addresses.
NETWORKS, SIZE = 8192, 16
OWN = "eth0"  # Of a node, in its namespace.


def told(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, text=True, timeout=20)


def tool(*words: str) -> str:
    """Runs a command of iproute2 or nftables; what it cannot do ends the test."""
    done = told(*words)
    if done.returncode != 0:
        pytest.fail(f"the network of the test needs root with the rights to make namespaces, "
                    f"links and nft rules: {shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout


def check_needs() -> None:
    missing = [] if os.geteuid() == 0 else ["root"]
    missing += [f"{program} ({package})" for program, package in (
        ("ip", "iproute2"), ("tc", "iproute2"), ("nft", "nftables")) if not shutil.which(program)]
    if missing:
        pytest.fail(f"network namespaces cannot be made; missing: {', '.join(missing)}")


class Network:
    """
        with Network("n1", "n2") as network:
            subprocess.Popen([network.program("n1", "/usr/bin/curl"), ...])
            network.cut("n1")

    Faults add up until heal(). Nothing of it is left afterwards, also when this process is
    killed, and no process that still runs in a namespace."""

    def __init__(self, *names: str):
        assert len(names) <= SIZE - 3 and all(len(x) <= 8 for x in names)
        self.names = names

    def __enter__(self) -> "Network":
        check_needs()
        self._folder = tempfile.TemporaryDirectory(prefix="footfall-network-")
        self._claim()
        self._await_end()
        try:
            for name in self.names:
                self._add(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._janitor.stdin.close()
        left = self._janitor.wait(60)
        self._folder.cleanup()
        assert left == 0, f"the network {self.bridge} could not be removed"

    def _claim(self) -> None:
        """Takes a number that no other process has: the bridge's name is there only once."""
        for number in range(os.getpid(), os.getpid() + NETWORKS):
            self.number = number % NETWORKS
            self.bridge = f"footfall{self.number}"
            done = told("ip", "link", "add", self.bridge, "type", "bridge")
            if done.returncode == 0:
                break
            if "exists" not in done.stderr:
                tool("ip", "link", "add", self.bridge, "type", "bridge")
        first = self.number * SIZE + 1
        hosts = [f"198.{18 + x // 65536}.{x // 256 % 256}.{x % 256}"
                 for x in range(first, first + 1 + len(self.names))]
        self.address = hosts[0]
        self.addresses = dict(zip(self.names, hosts[1:]))

    def _await_end(self) -> None:
        """Whoever removes the network waits for the end of this process or of the block. A
        namespace lives as long as a process in it, a link of it as long as it: so the outer
        ends go first, and then the name can be taken again at once."""
        lines = ["read -r _"]
        for name in self.names:
            space = self.space(name)
            lines += [f"ip netns pids {space} | xargs -r kill -KILL",
                      f"ip link del {self.outer(name)}", f"ip netns del {space}"]
        lines += [f"ip link del {self.bridge}",
                  f"! ip netns list | grep -q '^{self._prefix()}'"]
        self._janitor = subprocess.Popen(["sh", "-c", "\n".join(lines)], stdin=subprocess.PIPE,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         start_new_session=True)
        tool("ip", "addr", "add", f"{self.address}/28", "dev", self.bridge)
        tool("ip", "link", "set", self.bridge, "up")

    def _prefix(self) -> str:
        return f"{self.bridge}-"

    def space(self, name: str) -> str:
        """The namespace, for `ip netns exec`."""
        return self._prefix() + name

    def outer(self, name: str) -> str:
        """The end of its link that the bridge has."""
        return f"f{self.number}-{name}"

    def _add(self, name: str) -> None:
        space, outer = self.space(name), self.outer(name)
        tool("ip", "netns", "add", space)
        tool("ip", "link", "add", outer, "type", "veth", "peer", "name", OWN, "netns", space)
        tool("ip", "link", "set", outer, "master", self.bridge, "up")
        tool("ip", "-n", space, "addr", "add", f"{self.addresses[name]}/28", "dev", OWN)
        for link in ("lo", OWN):
            tool("ip", "-n", space, "link", "set", link, "up")
        self._nft(name, "add table inet faults",
                  "add chain inet faults in { type filter hook input priority 0; }",
                  "add chain inet faults out { type filter hook output priority 0; }")

    def _nft(self, name: str, *rules: str) -> None:
        tool("ip", "netns", "exec", self.space(name), "nft", "; ".join(rules))

    def program(self, name: str, binary: str) -> str:
        """A program that becomes `binary` in the namespace: the process that is started is the
        one that is signalled."""
        path = pathlib.Path(self._folder.name) / f"{name}-{pathlib.Path(binary).name}"
        path.write_text("#!/bin/sh\n"
                        f'exec ip netns exec {self.space(name)} {shlex.quote(binary)} "$@"\n')
        path.chmod(0o755)
        return str(path)

    # Faults of the node `name`, until heal().

    def cut(self, name: str) -> None:
        """From everything: what is sent vanishes, and nobody is told."""
        tool("ip", "link", "set", self.outer(name), "down")

    def cut_from(self, name: str, *addresses: str, port: str = "") -> None:
        """From these, both ways; from one port of theirs alone where it is given."""
        to_port, from_port = (f"tcp {x}port {port} " if port else "" for x in "ds")
        for address in addresses:
            self._nft(name, f"add rule inet faults out ip daddr {address} {to_port}drop",
                      f"add rule inet faults in ip saddr {address} {from_port}drop")

    def refuse(self, name: str, address: str, port: str) -> None:
        """Its connections there are reset, and no other one is made: as where nobody listens."""
        self._nft(name, f"add rule inet faults out ip daddr {address} tcp dport {port}"
                  " reject with tcp reset")

    def deafen(self, name: str, *addresses: str) -> None:
        """What these send to it is lost; what it sends arrives."""
        for address in addresses:
            self._nft(name, f"add rule inet faults in ip saddr {address} drop")

    def mute(self, name: str, *addresses: str) -> None:
        """What it sends to these is lost; what they send arrives."""
        for address in addresses:
            self._nft(name, f"add rule inet faults out ip daddr {address} drop")

    def lose(self, name: str, percent: int) -> None:
        """That part of the packets, each way, by chance."""
        self._nft(name, *(f"add rule inet faults {chain} {way} {OWN} numgen random mod 100"
                          f" < {percent} drop" for chain, way in (("in", "iif"), ("out", "oif"))))

    def slow(self, name: str, rate: str) -> None:
        """So many bits a second each way, such as "1mbit"."""
        shape = ("root", "tbf", "rate", rate, "burst", "16kb", "latency", "400ms")
        tool("tc", "qdisc", "replace", "dev", self.outer(name), *shape)
        tool("tc", "-n", self.space(name), "qdisc", "replace", "dev", OWN, *shape)

    def heal(self, name: str) -> None:
        self._nft(name, "flush chain inet faults in", "flush chain inet faults out")
        # There is nothing to delete where it was not slow.
        told("tc", "qdisc", "del", "dev", self.outer(name), "root")
        told("tc", "-n", self.space(name), "qdisc", "del", "dev", OWN, "root")
        tool("ip", "link", "set", self.outer(name), "up")
