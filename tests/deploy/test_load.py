"""k6 passes with exact counts, fails with wrong ones; unproven: the targets, on shared cores."""
from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

from footfall import BINARY, ROOT, Server

# Other things may run on these cores: here the figures are not what is proven.
FACTOR = "100"


def load(*options: str, ports: dict[str, str] | None = None,
         before: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    named = {f"FOOTFALL_{name.upper()}_PORT": port for name, port in (ports or {}).items()}
    return subprocess.run(
        [*before, str(ROOT / "scripts/load"), "--duration", "4", *options], timeout=900,
        capture_output=True, text=True, env={**os.environ, **named, "FOOTFALL_BINARY": BINARY})


@pytest.mark.parametrize("script", ["writes", "reads", "day", "reference"])
def test_a_script_keeps_its_thresholds_and_every_event_counts_once(script):
    done = load("--factor", FACTOR, "--rate", "0.25", script)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line for line in done.stderr.splitlines() if "events sent" in line]
    counts = [int(word) for word in told[0].replace(",", "").split() if word.isdigit()]
    assert len(counts) == 3 and counts[0] == counts[1] == counts[2]
    assert (counts[0] > 100) == (script != "reference"), told


def test_a_latency_over_its_threshold_fails():
    done = load("--factor", "0.001", "--rate", "0.25", "writes")
    assert done.returncode == 1
    assert "FAILED: writes: k6 ended with 99" in done.stderr, done.stderr
    assert "counted" not in done.stderr.partition("FAILED")[2], "the ledger is right all the same"


def test_one_event_more_than_was_accepted_fails():
    with Server() as server:
        strange = {"event_id": "nobody's", "user_id": "x", "event_type": "click",
                   "page_url": "https://example.com/page/0"}
        assert server.ingest.post("/v1/events?site=mine-writes", strange).status == 200
        ports = {name: server.ready[name].rpartition(":")[2]
                 for name in ("ingest", "query", "grpc", "admin")}
        done = load("--url", "http://127.0.0.1", "--site", "mine", "--factor", FACTOR,
                    "--rate", "0.25", "writes", ports=ports)
    assert done.returncode == 1, done.stderr
    assert "FAILED: writes: https://example.com/page/0: " in done.stderr
    assert "k6 ended" not in done.stderr, "its thresholds were kept"


def test_a_script_of_somebody_elses_runs_unchanged_against_the_usual_ports(tmp_path):
    """As the reference's own would: it names localhost:8081. In a network of its own, so that
    these ports are free."""
    script = pathlib.Path(tmp_path, "theirs.js")
    script.write_text("""
import http from 'k6/http';
import { check } from 'k6';
export const options = { vus: 2, iterations: 20, thresholds: { checks: ['rate==1'] } };
export default () => check(
  http.request('GET', 'http://localhost:8081/analytics/events',
               JSON.stringify({ user_id: 'a', page_url: '/b' })),
  { count: (r) => r.status === 200 && r.json('count') === WANTED });
""".replace("WANTED", "0"))
    apart = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "apart")
    done = load(str(script), before=apart)
    assert done.returncode == 0, done.stdout + done.stderr
    script.write_text(script.read_text().replace("=== 0", "=== 1"))
    done = load(str(script), before=apart)
    assert done.returncode == 1 and "k6 ended with 99" in done.stderr, done.stderr
