"""What is done to a cluster in namespaces, a function for each kind of fault. The numbers are
those of the fault matrix (docs/reliability.md)."""
from __future__ import annotations

import signal
import time
from typing import Callable

from cluster import renew_certificates
from footfall import PATIENCE, wait_until
from namespaces import Network
from starving import starved
from trial import EVEN_SECONDS, KILL_SECONDS, Trial, memory_mib

LOG_SECONDS = 7.0  # 5 s without the log, a beat, and the claims of others.
Row = Callable[[Trial], None]


def killed(trial: Trial) -> None:
    """F1: kill -9 of a node that has requests under way; their clients send them again to
    another one."""
    trial.roams, trial.pause, trial.clients = True, 0, 3  # One has something under way there.
    trial.begin()
    for victim in trial.chance.sample(sorted(trial.nodes.nodes), 3 if trial.is_long else 1):
        trial.lose(trial.nodes[victim].kill9, victim, within=KILL_SECONDS)
        trial.heal(trial.nodes[victim].start, victim)
    assert trial.load.journal.answers[0] > 0, "no kill met a request"


def stopped(trial: Trial) -> None:
    """F3: a node that stands still, as does a machine that is suspended, and goes on."""
    trial.begin()
    process = trial.victims_process
    trial.lose(lambda: process.send_signal(signal.SIGSTOP), trial.victim,
               lasts=trial.lasting(5, 20))
    trial.heal(lambda: process.send_signal(signal.SIGCONT), trial.victim)


def paused_for_long(trial: Trial) -> None:
    """F22: as F3, for as long as TCP can wait; the others do not collect anything for it."""
    trial.begin()
    process = trial.victims_process
    others = [x for name, x in trial.nodes.nodes.items() if name != trial.victim]
    before = [memory_mib(x) for x in others]
    trial.lose(lambda: process.send_signal(signal.SIGSTOP), trial.victim, lasts=60)
    more = max(memory_mib(x) - y for x, y in zip(others, before))
    trial.notes.append(f"others grew by {more:.0f} MiB")
    trial.heal(lambda: process.send_signal(signal.SIGCONT), trial.victim)
    assert more < 64


def cut_from_peers(trial: Trial) -> None:
    """F20: nodes that do not reach each other, only the services, own what they did."""
    trial.begin()
    network, victim = trial.network, trial.victim
    with trial.moves_at_most(0):
        network.cut_from(victim, *trial.nodes.peers(victim))
        trial.go_on(trial.lasting(6, 15))
        trial.accepts(victim)
        network.heal(victim)
        trial.await_even()
    trial.be_still()


def cut_from_all(trial: Trial) -> None:
    """F20: a machine that is gone, and comes back."""
    trial.begin()
    network, victim = trial.network, trial.victim
    trial.lose(lambda: network.cut(victim), victim, lasts=10)
    trial.heal(lambda: network.heal(victim), victim)


def cut_from_postgres(trial: Trial) -> None:
    """F20: it cannot renew its lease, and takes events all the same."""
    trial.begin()
    network, victim = trial.network, trial.victim
    trial.lose(lambda: network.cut_from(victim, network.address, port=trial.port("postgres")),
               victim, lasts=10)
    trial.accepts(victim)
    assert "running" not in trial.nodes.states(victim)
    trial.heal(lambda: network.heal(victim), victim)


def without_kafka(cut: Callable[[Network, str, str], None]) -> Row:
    """F20: it can renew its lease and apply nothing: it gives away what it has, once it has
    seen for 5 s that others can."""
    def row(trial: Trial) -> None:
        trial.begin()
        network, victim = trial.network, trial.victim
        trial.lose(lambda: cut(network, victim, trial.port("kafka")), victim,
                   within=LOG_SECONDS, lasts=12)
        assert "running" not in trial.nodes.states(victim)
        trial.heal(lambda: network.heal(victim), victim)
    return row


def cut_from_kafka(network: Network, victim: str, port: str) -> None:
    network.cut_from(victim, network.address, port=port)


def refused_by_kafka(network: Network, victim: str, port: str) -> None:
    network.refuse(victim, network.address, port)


def deaf(trial: Trial) -> None:
    """F21: what it sends arrives, no answer comes."""
    trial.begin()
    network, victim = trial.network, trial.victim
    everybody = (network.address, *trial.nodes.peers(victim))
    trial.lose(lambda: network.deafen(victim, *everybody), victim, lasts=10)
    trial.heal(lambda: network.heal(victim), victim)


def mute(trial: Trial) -> None:
    """F21: it hears, and what it sends is lost."""
    trial.begin()
    network, victim = trial.network, trial.victim
    everybody = (network.address, *trial.nodes.peers(victim))
    trial.lose(lambda: network.mute(victim, *everybody), victim, lasts=10)
    trial.heal(lambda: network.heal(victim), victim)


def half_open(trial: Trial) -> None:
    """F24: all its connections are dead, and nobody said so."""
    trial.begin()
    network, victim = trial.network, trial.victim
    trial.lose(lambda: network.cut(victim), victim, lasts=30)
    trial.heal(lambda: network.heal(victim), victim)


def bad_network(trial: Trial, spoil: Callable[[str], None]) -> None:
    """F23: on the links of all nodes. Hardly anything moves."""
    trial.begin()
    names = list(trial.nodes.nodes)
    for name in names:
        trial.witness.excuse(name)
    mark = trial.nodes.mark()
    with trial.moves_at_most(4):
        for name in names:
            spoil(name)
        trial.go_on(20)
        for name in names:
            trial.network.heal(name)
        trial.await_even()
        trial.await_applying()
    for name in names:
        trial.witness.expect(name)
    trial.notes.append(f"{trial.nodes.changes(mark)} claims and releases")
    trial.be_still()


def lossy(percent: int) -> Row:
    return lambda trial: bad_network(trial, lambda name: trial.network.lose(name, percent))


def slow(trial: Trial) -> None:
    bad_network(trial, lambda name: trial.network.slow(name, "1mbit"))


def renewed(trial: Trial) -> None:
    """F36: all nodes get other certificates. The links that there are stay, the next ones have
    the new ones, nothing moves."""
    trial.begin()
    nodes, network = trial.nodes, trial.network
    with trial.moves_at_most(0):
        renew_certificates()
        trial.go_on(3)
        for name in nodes.nodes:
            assert nodes.linked(name) == set(nodes.nodes) - {name}
        network.cut_from(trial.victim, *nodes.peers(trial.victim))
        trial.go_on(4)
        network.heal(trial.victim)
        trial.await_even()
    for name, server in nodes.nodes.items():
        wait_until(lambda: "was read again" in server.stderr(), 5, f"{name} read its files again")
    trial.be_still()


def scaled(trial: Trial) -> None:
    """F5: from one node to four and down to two. Each step moves what an even spread needs."""
    trial.count = 1
    trial.begin()
    for name in ("n2", "n3", "n4"):
        server = trial.nodes.add(name)
        share = -(-6 // len(trial.nodes.nodes))
        with trial.moves_at_most(share):
            server.start()
            trial.witness.watch(name)
            trial.await_even()
        trial.enough()
    trial.be_still()
    leaving = trial.chance.sample([x for x in trial.nodes.nodes if x != trial.through], 2)
    for name in leaving:
        trial.lose(lambda: trial.nodes[name].process.send_signal(signal.SIGTERM), name,
                   within=KILL_SECONDS)
        assert trial.nodes[name].process.wait(25 * PATIENCE) == 0, trial.nodes[name].stderr()
    trial.await_even()
    trial.be_still()


def storm(trial: Trial) -> None:
    """F6: each 5 s a node is killed or ended, and started again at once or somewhat later."""
    trial.roams = True
    trial.begin()
    until = time.monotonic() + 60
    allowed, mark, applied = 0, trial.nodes.mark(), []
    while time.monotonic() < until:
        began = time.monotonic()
        victim = trial.chance.choice(sorted(trial.nodes.nodes))
        server = trial.nodes[victim]
        trial.witness.excuse(victim)
        allowed += len(trial.nodes.owned(victim)) + 2
        end = trial.chance.choice([server.kill9, server.terminate])
        end()
        time.sleep(trial.chance.choice([0, 0, 1, 2]))
        server.start()
        trial.witness.expect(victim)
        trial.go_on(max(0, began + 5 - time.monotonic()))
        applied.append(trial.applied())
    moves = trial.nodes.moves(mark)
    trial.moved += len(moves)
    trial.notes.append(f"{len(applied)} restarts")
    assert all(x < y for x, y in zip(applied, applied[4:])), f"no progress in 20 s: {applied}"
    assert len(moves) <= allowed, f"{len(moves)} moves, {allowed} are enough"
    trial.await_even()
    trial.be_still()


def starving(trial: Trial) -> None:
    """F31: 10 % of a core. It keeps up or is replaced once, and does not go to and fro."""
    trial.begin()
    parts = trial.nodes.owned(trial.victim)
    trial.witness.excuse(trial.victim)
    with trial.moves_at_most(2 * len(parts)):
        with trial.moves_at_most(len(parts), parts), \
                starved(trial.victims_process.pid, percent=10):
            trial.go_on(30)
        trial.await_even()
    trial.witness.expect(trial.victim)
    trial.be_still()


def postgres_away(trial: Trial) -> None:
    """PostgreSQL stands still for 10 s, and is killed and comes back: nothing moves."""
    trial.begin()
    for name in trial.nodes.nodes:
        trial.witness.excuse(name)
    with trial.moves_at_most(0):
        trial.services.run("pause", "postgres")
        try:
            trial.go_on(10)
        finally:
            trial.services.run("resume", "postgres")
        trial.await_even()
        trial.enough()
        trial.services.run("kill9", "postgres")
        trial.go_on(2)
        trial.services.run("start", "postgres")
        trial.await_even()
    for name in trial.nodes.nodes:
        trial.witness.expect(name)
    trial.be_still()


def one_name_twice(trial: Trial) -> None:
    """Another process joins under the name of a node that runs: that one ends with 3, and what
    it had goes to the other."""
    trial.begin()
    victim = trial.victim
    first = trial.nodes[victim]
    trial.witness.excuse(victim)
    with trial.moves_at_most(len(trial.nodes.owned(victim))):
        second = trial.nodes.add(victim, "n4").start()
        assert first.process.wait(20 * PATIENCE) == 3, first.stderr()
        trial.await_even()
    assert second.process.poll() is None
    trial.be_still()


def gateway_alone(trial: Trial) -> None:
    """A gateway that has only the nodes takes all events: a node is killed, it is cut from one of
    them, from all of them, and killed itself."""
    trial.gate = "n4"
    trial.begin()
    network, gate, nodes = trial.network, trial.nodes[trial.gate], trial.nodes
    trial.lose(nodes[trial.victim].kill9, trial.victim, within=KILL_SECONDS)
    trial.heal(nodes[trial.victim].start, trial.victim)
    with trial.moves_at_most(0):
        network.cut_from(trial.gate, network.addresses[trial.victim])
        trial.go_on(trial.lasting(5, 15))  # The others take it.
        network.heal(trial.gate)
        trial.witness.excuse(trial.gate)
        network.cut_from(trial.gate, *(network.addresses[x] for x in nodes.nodes))
        wait_until(lambda: gate.admin.get("/readyz").status == 503, 5, "it is not ready")
        time.sleep(trial.lasting(2, 10))
        network.heal(trial.gate)
        wait_until(lambda: gate.admin.get("/readyz").status == 200, EVEN_SECONDS, "it is ready")
        trial.enough()
        gate.kill9()
        gate.start()
        trial.enough()
        trial.await_even()
    trial.witness.expect(trial.gate)
    trial.be_still()


def wrong_clock(trial: Trial) -> None:
    """F25: a node whose clock is two hours off, ahead with one seed and behind with another. What
    it has it keeps, and it counts as the others do."""
    trial.begin()
    nodes, victim, hours = trial.nodes, trial.victim, 2 if trial.seed % 2 else -2
    server = nodes[victim]
    server.environment = {**server.environment, "FOOTFALL_CLOCK_OFFSET_S": str(hours * 3600)}
    trial.lose(lambda: server.process.send_signal(signal.SIGTERM), victim, within=KILL_SECONDS)
    assert server.process.wait(25 * PATIENCE) == 0, server.stderr()
    trial.witness.clocks[victim] = hours * 3600
    trial.heal(server.start, victim)
    trial.notes.append(f"{victim} is {hours:+} h off")
    with trial.moves_at_most(0):
        trial.accepts(victim)
        trial.go_on(trial.lasting(5, 15))
    trial.be_still()


def rolling(trial: Trial) -> None:
    """F28: each node in turn is told to end and started anew. A balancer sends a node that is
    not ready no more requests, and no request is without an answer."""
    trial.roams = True
    trial.options += ("--drain-delay-s", "1")
    trial.begin()
    for victim in sorted(trial.nodes.nodes) * (3 if trial.is_long else 1):
        server = trial.nodes[victim]
        parts = trial.nodes.owned(victim)
        with trial.moves_at_most(2 * len(parts)):
            began = time.monotonic()
            trial.witness.excuse(victim)
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: server.admin.get("/readyz").status == 503, 1, "it is not ready")
            trial.load.away.add(server.address("ingest"))
            trial.nodes.seconds_until_taken(parts, victim)
            trial.taken.append(time.monotonic() - began - 1)
            assert server.process.wait(25 * PATIENCE) == 0, server.stderr()
            server.forget_clients()
            server.start()
            trial.load.away.clear()
            trial.await_even()
        trial.witness.expect(victim)
        trial.enough()
    assert set(trial.load.journal.answers) == {200}, trial.load.journal.answers
    assert max(trial.taken) < KILL_SECONDS * PATIENCE
    trial.be_still()


ROWS: dict[str, tuple[str, Row]] = {
    "F1": ("kill -9 with requests under way, three times", killed),
    "F3": ("SIGSTOP for 20 s", stopped),
    "F5": ("one node, four, two", scaled),
    "F6": ("a node restarted each 5 s for 60 s", storm),
    "F20-peers": ("cut from the other nodes alone for 15 s", cut_from_peers),
    "F20-all": ("cut from everything for 10 s", cut_from_all),
    "F20-postgres": ("cut from PostgreSQL alone for 10 s", cut_from_postgres),
    "F20-kafka": ("cut from Kafka alone for 12 s", without_kafka(cut_from_kafka)),
    "F20-refused": ("connections to Kafka reset for 12 s", without_kafka(refused_by_kafka)),
    "F21-deaf": ("what it is sent is lost, for 10 s", deaf),
    "F21-mute": ("what it sends is lost, for 10 s", mute),
    "F22": ("SIGSTOP for 60 s", paused_for_long),
    "F23-10": ("10 % of all packets lost each way for 20 s", lossy(10)),
    "F23-30": ("30 % of all packets lost each way for 20 s", lossy(30)),
    "F23-slow": ("1 Mbit/s at all nodes for 20 s", slow),
    "F24": ("its link down for 30 s, no connection reset", half_open),
    "F25": ("a node's clock two hours ahead, or behind", wrong_clock),
    "F28": ("each node ended with SIGTERM and started, three rounds", rolling),
    "F31": ("10 % of a core for 30 s", starving),
    "postgres": ("PostgreSQL stands still for 10 s, then is killed for 2 s", postgres_away),
    "F36": ("all nodes' certificates replaced", renewed),
    "name": ("another process under its name", one_name_twice),
    "gateway": ("a gateway in front: a node killed, it cut from one and all for 15 s, killed",
                gateway_alone)}
SMOKE = ("F1", "F3", "F20-peers", "F28")
WAITING = ("F3", "F22", "F23-10", "F23-30", "F23-slow", "F24")  # Who hardly use a processor.
