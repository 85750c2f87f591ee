"""kill -9 of Footfall on Kafka, PostgreSQL and Redis, inside its adapters and between
them: what was acknowledged is stored once and counted once."""
import time

from footfall import Server, wait_until
from journal import Load, end_and_check
from ports import fixed_ports
from services import Services

# Each place that proto/failpoint.hpp marks, and the passage at which to end.
FAILPOINTS = ["kafka.after_enqueue:40", "kafka.before_report:40", "ingest.before_answer:40",
              "postgres.before_apply:15", "postgres.apply_sent:15", "postgres.after_apply:15",
              "partition.after_applied:15", "postgres.fold_sent:6", "postgres.after_fold:6"]
READY_SECONDS = 30


def end_at_failpoint(server: Server, load: Load, settings: dict[str, str], name: str) -> float:
    """Ends it there under load; returns the seconds until it was ready again."""
    server.kill9()
    server.environment = {**settings, "FOOTFALL_FAILPOINT": name}
    server.launch()
    wait_until(lambda: server.process.poll() is not None, 40, f"the process ends at {name}")
    assert server.process.returncode == -9, (name, server.process.returncode, server.stderr())
    server.environment = settings
    began = time.monotonic()
    server.start(READY_SECONDS)
    ready = time.monotonic() - began
    enough = load.accepted() + 20
    wait_until(lambda: load.accepted() >= enough or load.trouble, 20, "it serves again")
    return ready


def test_kills_inside_the_adapters_lose_nothing_and_count_nothing_twice():
    with Services("KAFKA_BROKER", "DATABASE_URL", "REDIS_ADDR") as services:
        settings = services.environment
        with Server("--fold-every-ms", "20", environment=settings, ports=fixed_ports()) as server:
            with Load(server, clients=6, seed=70) as load:
                ready = [end_at_failpoint(server, load, settings, name) for name in FAILPOINTS]
            check = end_and_check(server, load.journal, services.sql,
                                  f"{2 * len(FAILPOINTS)} kills on services")
    print(f"ready after {max(ready):.2f} s at most")
    assert len(check.acknowledged) > 500
    assert load.journal.answers[0] >= len(FAILPOINTS), "no kill met a request"
