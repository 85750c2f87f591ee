"""The benchmarks run: a short row of each load of posts, and a load that is refused ends."""
import json
import os
import pathlib
import subprocess
import sys

from footfall import BINARY, PATIENCE, ROOT, Server

BUILD = pathlib.Path(BINARY).parents[1]


def test_rows_of_posts_and_of_batches_are_counted():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/bench", "--no-results", "--only", "single,batch",
         "--seconds", "0.5", "--events", "20000"],
        env={**os.environ, "FOOTFALL_BENCH_BUILD": str(BUILD)},
        capture_output=True, text=True, timeout=120 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith("| POST")]
    assert len(rows) == 5, done.stdout
    for row in rows:
        assert float(row[2].replace(",", "")) > 0 and " x " not in row[7], done.stdout


def test_the_store_alone_is_measured_as_it_grows():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/bench", "--no-results", "--only", "store",
         "--store", "0.1"], env={**os.environ, "FOOTFALL_BENCH_BUILD": str(BUILD)},
        capture_output=True, text=True, timeout=120 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith("| the store")]
    assert len(rows) == 2, done.stdout
    for row in rows:
        assert float(row[2].replace(",", "")) > 0 and "audit: 0 differences" in row[7], done.stdout


def test_a_load_that_is_refused_ends():
    with Server() as server:
        done = subprocess.run(
            [BUILD / "bench/footfall_load", "query", "--path", "/nowhere", "--events", "1000000",
             "--address", f"{server.ready['query']}"],
            capture_output=True, text=True, timeout=60 * PATIENCE)
    report = json.loads(done.stdout)
    assert report["requests"] == 0 and report["errors"]["404"] >= 100, report
