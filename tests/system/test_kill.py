"""kill -9 under load, at chosen points and at any moment: what was acknowledged is
stored once and counted once, and the server is back in seconds."""
import random
import time

from footfall import Server, wait_until
from journal import Load, check_embedded, gauge
from ports import fixed_ports

# Each place that proto/failpoint.hpp marks, and the passage at which to end.
FAILPOINTS = ["log.before_commit:40", "log.after_commit:40", "ingest.before_answer:40",
              "apply.before_commit:15", "apply.after_commit:15", "partition.after_applied:15",
              "fold.before_commit:6", "fold.after_commit:6"]
MERGES = ["merge.before_commit:1", "merge.after_commit:1", "merge.before_commit:4",
          "merge.after_commit:5"]
RANDOM_KILLS = 12
READY_SECONDS = 10


def start(server: Server) -> float:
    """Starts it under the load that goes on; returns the seconds until it was ready."""
    began = time.monotonic()
    server.start(READY_SECONDS)
    return time.monotonic() - began


def end_at_failpoint(server: Server, name: str) -> None:
    server.environment = {"FOOTFALL_FAILPOINT": name}
    server.launch()
    wait_until(lambda: server.process.poll() is not None, 20, f"the process ends at {name}")
    server.environment = {}
    assert server.process.returncode == -9, (name, server.process.returncode, server.stderr())


def end_while_busy(server: Server, load: Load, chance: random.Random) -> None:
    """Kills it after a random number of answers that say 200."""
    enough = load.accepted() + chance.randint(1, 200)
    wait_until(lambda: load.accepted() >= enough or load.trouble, 20, "the load is served")
    server.kill9()


def end_while_starting(server: Server, chance: random.Random) -> None:
    """Kills it at some moment before, or just after, it is ready."""
    moment = time.monotonic() + chance.random() * 0.1
    server.launch()
    wait_until(lambda: time.monotonic() > moment, what="the moment has come")
    server.kill9()


def test_kills_lose_nothing_and_count_nothing_twice():
    chance = random.Random(20)
    ready = []
    with Server("--fold-every-ms", "20", ports=fixed_ports()) as server:
        with Load(server, clients=6, seed=20) as load:
            kills = 0
            for name in FAILPOINTS:
                server.kill9()
                end_at_failpoint(server, name)
                ready.append(start(server))
                kills += 2
            for number in range(RANDOM_KILLS):
                end_while_busy(server, load, chance)
                kills += 1
                if number % 3 == 2:
                    end_while_starting(server, chance)
                    kills += 1
                ready.append(start(server))
            enough = load.accepted() + 100
            wait_until(lambda: load.accepted() >= enough or load.trouble, 20, "it serves again")
        check = check_embedded(server, load.journal, f"{kills} kills")
    print(f"ready after {max(ready):.2f} s at most")
    assert kills == 32
    assert len(check.acknowledged) > 1000
    assert load.journal.answers[0] >= kills, "no kill met a request"


def test_kills_in_merges_count_nothing_twice():
    """A merge begins where nothing else is to be done: when the load pauses, or after a start."""
    with Server(ports=fixed_ports()) as server:
        with Load(server, clients=1, seed=22, batch_max=400, users=20_000) as load:
            for name in MERGES:
                server.kill9()
                load.pause = 0
                server.start(READY_SECONDS)
                enough = load.accepted() + 200
                wait_until(lambda: load.accepted() >= enough or load.trouble, 30, "it serves")
                server.kill9()
                load.pause = 1
                end_at_failpoint(server, name)
            server.start(READY_SECONDS)
        check_embedded(server, load.journal, f"{len(MERGES)} kills in merges")


def test_a_restart_applies_what_only_the_log_had():
    """Every fold and apply of the first process is undone: the log alone has the clicks."""
    with Server(environment={"FOOTFALL_FAILPOINT": "apply.before_commit"},
                ports=fixed_ports()) as server:
        with Load(server, clients=2, seed=21) as load:
            wait_until(lambda: server.process.poll() is not None, 20, "the process ends")
            server.environment = {}
            server.start(READY_SECONDS)
            wait_until(lambda: gauge(server, "footfall_events_folded_total") > 0, 20)
        check_embedded(server, load.journal, "first apply")
