"""What is done to a cluster in namespaces, a function for each kind of fault. The numbers are
those of the fault matrix (docs/reliability.md)."""
from __future__ import annotations

import os
import signal
import time

from footfall import PATIENCE, wait_until
from trial import KILL_SECONDS, Trial


def killed(trial: Trial) -> None:
    """F1: kill -9 of a node that has requests under way; their clients send them again to
    another one."""
    trial.roams, trial.pause, trial.clients = True, 0, 6
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


def cut_from_peers(trial: Trial) -> None:
    """F20: nodes that do not reach each other, only the services, own what they did."""
    trial.begin()
    network, victim = trial.network, trial.victim
    with trial.moves_at_most(0):
        network.cut_from(victim, *trial.nodes.peers(victim))
        trial.go_on(trial.lasting(6, 15))
        network.heal(victim)
        trial.await_even()
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
            server._forget_clients()
            server.start()
            trial.load.away.clear()
            trial.await_even()
        trial.witness.expect(victim)
        trial.enough()
    assert set(trial.load.journal.answers) == {200}, trial.load.journal.answers
    assert max(trial.taken) < KILL_SECONDS * PATIENCE
    trial.be_still()


ROWS = {"F1": killed, "F3": stopped, "F20-peers": cut_from_peers, "F28": rolling}
SMOKE = ("F1", "F3", "F20-peers", "F28")
