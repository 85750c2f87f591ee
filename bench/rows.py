"""The rows of scripts/bench: each runs on a server of its own and returns its figures."""
from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import time
import uuid
from typing import Any, Iterator

from harness import (Server, Services, ask, ingest, load_command, option_words, program)

Row = dict[str, Any]
GROWN = "-grown"  # Ends the id of a row that is measured on a full store.


def start_and_idle() -> Iterator[Row]:
    """From exec to the ready file, and what a node costs that nobody uses."""
    times = []
    with Server() as server:
        times.append(server.ready_after)
        for _ in range(4):
            server.stop()
            times.append(server.start())
        yield {"id": "start", "what": "start to ready", "p50_ms": statistics.median(times) * 1e3,
               "p99_ms": max(times) * 1e3, "notes": "5 starts: median and worst"}
        ingest(server, "batch", events=20_000)
        time.sleep(2)  # What the load left behind is no idling.
        before = server.cpu()["footfall"]
        time.sleep(10)
        spent = (server.cpu()["footfall"] - before) / 10
        yield {"id": "idle", "what": "idle, after a load", "percent": spent * 100,
               "notes": f"{spent:.2%} of a core over 10 s; RSS {server.rss() / 2**20:.0f} MiB"}


def warm_up(services: Services) -> None:
    """A broker whose code is not compiled yet costs twice as much."""
    with Server(services=services) as server:
        ingest(server, "batch", events=200_000, connections=4)
        ingest(server, "single", connections=256, seconds=75)


def singles(services: Services | None, seconds: float,
            connections: tuple[int, ...]) -> Iterator[Row]:
    for n in connections:
        with Server(services=services) as server:
            yield {"id": f"single-{n}", "what": f"POST /ingest, {n} connections",
                   **ingest(server, "single", seconds=seconds, connections=n)}


def batches(services: Services | None, size: int, events: int) -> Row:
    with Server(services=services) as server:
        if services:
            ingest(server, "batch", batch=size, events=100_000, connections=4)
        row = ingest(server, "batch", batch=size, events=events, connections=4)
        if not services:
            row["notes"] += f"; RSS {server.rss() / 2**20:.0f} MiB"
        return {"id": f"batch-{size}", "what": f"POST /v1/events, {size} events each", **row}


def freshness_bounds(before: dict[str, float], after: dict[str, float], part: float) -> float:
    """The bucket of the server's own histogram that holds this part, in ms."""
    prefix = 'footfall_freshness_seconds_bucket{le="'
    counts = {name[len(prefix):-2]: after[name] - before.get(name, 0)
              for name in after if name.startswith(prefix)}
    total = counts.pop("+Inf")
    return next((float(le) * 1e3 for le, n in sorted(counts.items(), key=lambda x: float(x[0]))
                 if n >= part * total), float("inf"))


def probe(server: Server, seconds: float, pages: int = 50) -> list[float]:
    """Milliseconds from an event's acknowledgement until a query counts it, by turns."""
    def connect(name: str) -> http.client.HTTPConnection:
        host, _, port = server.addresses[name].rpartition(":")
        return http.client.HTTPConnection(host, int(port), timeout=30)

    writes, reads, times = connect("ingest"), connect("query"), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        user, page = uuid.uuid4().hex, f"/probe/{len(times) % pages}"
        writes.request("POST", "/v1/events", json.dumps(
            {"event_id": str(uuid.uuid4()), "user_id": user, "event_type": "click",
             "page_url": page, "time_stamp": "2026-01-01T00:00:00Z"}))
        answer = json.loads(writes.getresponse().read())
        began = time.monotonic()
        reads.request("GET", f"/analytics/events?user_id={user}&page_url={page}",
                      headers={"Footfall-After": answer["results"][0]["position"]})
        found = reads.getresponse()
        count = json.loads(found.read())
        if found.status != 200 or count["count"] != 1:
            raise RuntimeError(f"an acknowledged event was not visible: {found.status} {count}")
        times.append((time.monotonic() - began) * 1e3)
        time.sleep(0.01)
    return sorted(times)


def freshness(services: Services | None, rate: float) -> Row:
    with Server(services=services) as server:
        ingest(server, "batch", events=50_000, connections=2)
        return freshness_of(server, rate)


def freshness_of(server: Server, rate: float, seconds: float = 12) -> Row:
    before = server.metrics()
    command = load_command("batch", server.addresses["ingest"], rate=f"{rate:.0f}",
                           seconds=seconds, connections=8)
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    times = probe(server, seconds - 2)
    report = json.loads(load.communicate()[0])
    after = server.metrics()
    bounds = [freshness_bounds(before, after, part) for part in (0.5, 0.99)]
    return {"id": "freshness", "what": "accepted to visible, at half of the batch rate",
            "rate": report["events"] / report["seconds"],
            "p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99)],
            "notes": f"{len(times)} probes with Footfall-After; the server's histogram: "
                     f"p50 <= {bounds[0]:.0f}, p99 <= {bounds[1]:.0f} ms; "
                     f"ack p50 {report['p50_ms']:.0f}, p99 {report['p99_ms']:.0f} ms"}


def freshness_idle(services: Services | None, seconds: float) -> Row:
    """One click at a time, and nothing else."""
    with Server(services=services) as server:
        ingest(server, "batch", events=50_000, connections=2)
        time.sleep(1)
        times = probe(server, seconds)
        return {"id": "freshness-idle", "what": "acknowledged to visible, one click at a time",
                "p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99)],
                "notes": f"{len(times)} probes with Footfall-After"}


def query_rows(server: Server, suffix: str, seconds: float, cold: bool) -> Iterator[Row]:
    address = server.addresses["query"]
    common = {"connections": 64, "seconds": seconds}
    if cold:
        command = load_command("query", address, path="/analytics/events", **common)
        yield {"id": "query-store" + suffix, "what": "query: count from the store, 64 connections",
               **ask(server, command)}
        return
    warm = {"pages": 20, "users": 20}
    command = load_command("query", address, path="/analytics/events", **common, **warm)
    ask(server, load_command("query", address, path="/analytics/events", events=20_000,
                             connections=64, **warm))
    yield {"id": "query-cache" + suffix, "what": "query: count of 400 hot pairs, 64 connections",
           **ask(server, command)}
    command = load_command("query", address, path="/v1/stats/page", **common)
    yield {"id": "query-actor" + suffix, "what": "query: page totals, 64 connections",
           **ask(server, command)}
    command = [str(program("footfall_load_grpc")), "--address", server.addresses["grpc"],
               *option_words({"seconds": seconds, "in_flight": 32, **warm})]
    yield {"id": "grpc" + suffix, "what": "gRPC GetEventCount, 32 in flight",
           **ask(server, command)}


def prepare(server: Server, cold: bool) -> None:
    if not cold:
        ingest(server, "batch", events=2_000, pages=20, users=20)  # The hot pairs exist.
        return
    # Nothing live and next to nothing cached: every pair is looked up.
    server.stop()
    server.options = ("--live-pages-max", "1", "--cache-mb", "1")
    server.start()


def queries(services: Services | None, rate: float, seconds: float) -> Iterator[Row]:
    """Warm and cold, first idle, then while events come in at a quarter of the rate."""
    with Server(services=services) as server:
        ingest(server, "batch", events=200_000, connections=4)
        for cold in (False, True):
            prepare(server, cold)
            yield from query_rows(server, "", seconds, cold)
            load = subprocess.Popen(
                load_command("batch", server.addresses["ingest"], rate=f"{rate / 4:.0f}",
                             seconds=600, connections=8), stdout=subprocess.DEVNULL)
            try:
                for row in query_rows(server, "-busy", seconds, cold):
                    row["what"] += f", under {rate / 4:,.0f} ev/s"
                    row["notes"] += "; CPU is that of both"
                    yield row
            finally:
                load.kill()
                load.wait()


def rss_after(events: int, pages: int, users: int, *options: str) -> int:
    with Server(*options) as server:
        ingest(server, "batch", events=events, connections=1, pages=pages, users=users,
               in_turn=True)
        return server.rss()


def memory() -> Iterator[Row]:
    """The difference between two servers that took as many events, on few and on many."""
    pages, pairs = 40_000, 400_000
    options = ("--live-pages-max", "1000000")
    each = (rss_after(pages, pages, 1, *options) - rss_after(pages, 1, 1, *options)) / pages
    yield {"id": "memory-page", "what": "memory of a live page with one user", "bytes": each,
           "notes": f"{each:,.0f} B, by {pages:,} pages"}
    each = (rss_after(pairs, 100, pairs // 100) - rss_after(pairs, 100, 1)) / pairs
    yield {"id": "memory-pair", "what": "memory of a (page, user) pair", "bytes": each,
           "notes": f"{each:,.0f} B, by {pairs:,} pairs on 100 pages"}


def grown(server: Server, rate: float, seconds: float, millions: float) -> Iterator[Row]:
    """What users see of a store that has taken so many events."""
    def rows() -> Iterator[Row]:
        yield {"id": "single-256", "what": "POST /ingest, 256 connections",
               **ingest(server, "single", seconds=seconds, connections=256)}
        yield freshness_of(server, rate / 2)
        for cold in (False, True):
            prepare(server, cold)
            yield from query_rows(server, "", seconds, cold)
            if cold:
                yield {"id": "start", "what": "start to ready", "p50_ms": server.ready_after * 1e3,
                       "notes": "one start"}

    for row in rows():
        yield {**row, "id": row["id"] + GROWN, "what": f"{row['what']}, at {millions:g} M events"}


def growth(services: Services | None, millions: float, ordered: bool,
           seconds: float) -> Iterator[Row]:
    """The same batches into an empty store and after so many events."""
    ids, measured = ("time-ordered" if ordered else "random"), 200_000
    name = "growth-ordered" if ordered else "growth-random"
    with Server(services=services) as server:
        first = ingest(server, "batch", events=measured, connections=4, ordered_ids=ordered)
        yield {"id": name + "-0", "what": f"batches of 1,000, {ids} ids, empty store", **first}
        ingest(server, "batch", events=int(millions * 1e6) - measured, connections=4,
               ordered_ids=ordered)
        last = ingest(server, "batch", events=measured, connections=4, ordered_ids=ordered)
        last["ratio"] = last["rate"] / first["rate"]
        last["notes"] += f"; {last['ratio']:.0%} of the empty store's rate"
        if not services:
            last["disk"] = server.disk() / (millions * 1e6 + measured)
            last["notes"] += (f"; {last['disk']:.0f} B of disk an event, "
                              "the log's kept tail included")
        yield {"id": name, "what": f"the same at {millions:g} M events", **last}
        if not ordered:
            yield from grown(server, last["rate"], seconds, millions)


FLOODS = {  # What clients invent, and the load that does.
    "types": ("event types on one page", {"flood": "types", "pages": 1}),
    "types-pages": ("event types over 1,500 pages", {"flood": "types"}),
    "users": ("users on one page", {"flood": "users", "pages": 1}),
    "users-pages": ("users over 1,500 pages", {"flood": "users"}),
    "pages": ("pages", {"flood": "pages"}),
    "minutes": ("minutes of 2000 to 2099 on one page", {"flood": "minutes", "pages": 1}),
    "minutes-pages": ("minutes of 2000 to 2099 over 1,500 pages", {"flood": "minutes"}),
    "sites": ("sites, in single posts", {"flood": "sites"}),
}


def floods(services: Services | None, values: int, rounds: int = 3) -> Iterator[Row]:
    """So many different values of each kind, beside the same load without them.

    In turns, and the round that cost least of each: what else the machine does only adds.
    """
    def load(mode: str, **options: Any) -> Row:
        with Server(services=services) as server:
            row = ingest(server, mode, events=values, connections=4 if mode == "batch" else 64,
                         **options)
            path = "/v1/stats/page?page_url=/articles/2025/page-of-the-site-0"
            status, took = server.get("query", path)
            row["notes"] += f"; page query {status} in {took:.0f} ms"
            if not services:
                row["notes"] += f"; RSS {server.rss() / 2**20:.0f} MiB"
            row["server_us"] = sum(us for name, us in row["cpu_us"].items() if name != "generator")
            return row

    kinds = {"plain-batch": ("plain load, batches of 1,000", "batch", {}),
             "plain-single": ("plain load, single posts", "single", {}),
             **{name: (f"{values:,} {what}", "single" if name == "sites" else "batch", options)
                for name, (what, options) in FLOODS.items()}}
    runs: dict[str, list[Row]] = {name: [] for name in kinds}
    for number in range(rounds):
        for name, (_, mode, options) in kinds.items():
            runs[name].append(load(mode, **options))
            print(f"round {number + 1} of {rounds}: {name}, {runs[name][-1]['server_us']:.1f} us",
                  file=sys.stderr, flush=True)
    least = {name: min(of, key=lambda row: row["server_us"]) for name, of in runs.items()}
    for name, (what, mode, options) in kinds.items():
        row = least[name]
        all_us = ", ".join(f"{x['server_us']:.1f}" for x in runs[name])
        row["notes"] += f"; us of each round: {all_us}"
        if options:
            row["ratio"] = row["server_us"] / least[f"plain-{mode}"]["server_us"]
            row["notes"] += f"; {row['ratio']:.2f} times the plain load's CPU"
        yield {"id": f"flood-{name}", "what": what, **row}


def store_alone(millions: float, pages: int, events_a_second: int) -> Row:
    """The embedded store as it grows, without log, actors and HTTP."""
    done = subprocess.run(
        [program("store_growth"), "--rows", f"{millions * 1e6:.0f}", "--pages", str(pages),
         "--step", f"{min(millions, 1) * 1e6:.0f}", "--events-a-second", str(events_a_second),
         "--audit"], capture_output=True, text=True, check=True)
    lines = [re.findall(r"[\d.]+", x) for x in done.stdout.splitlines() if re.match(r" *\d+ ", x)]
    first, last = ([float(x) for x in line] for line in (lines[0], lines[-1]))
    audit = next(x for x in done.stdout.splitlines() if x.startswith("audit"))
    return {"id": f"store-{pages}", "what": f"the store alone, {pages:,} pages, to {millions:g} M",
            "rate": last[1], "cpu_us": {"footfall": last[2]}, "ratio": last[1] / first[1],
            "p50_ms": last[4], "p99_ms": last[5],
            "notes": f"{last[1] / first[1]:.0%} of the {first[1]:,.0f}/s of the first million; "
                     f"{last[3]:.0f} B written an event, fold p50 {last[7]:.0f} ms, "
                     f"max {last[8]:.0f}, RSS {last[9]:.0f} MiB; {audit}"}


def sqlite_yardstick(events: int) -> Row | None:
    """A plain program that inserts the same rows into one SQLite table."""
    if not program("store_bench").exists():
        return None
    done = subprocess.run([program("store_bench"), str(events), "random", "plain"],
                          capture_output=True, text=True, check=True)
    found = re.findall(r"yardstick: .* ids, to \d+ rows\s+(\d+) rows/s\s+([\d.]+) us", done.stdout)
    if not found:
        return None
    cpu = statistics.mean(float(us) for _, us in found)
    rate = len(found) / sum(1 / float(rate) for rate, _ in found)
    return {"id": "yardstick-sqlite", "what": "yardstick: the same rows into one SQLite table",
            "rate": rate, "cpu_us": {"footfall": cpu}, "notes": f"{events:,} rows, no server"}


def postgres_yardstick(services: Services) -> Row | None:
    """What PostgreSQL spends by Footfall's statements, by text keys and one by one."""
    if not program("postgres_bench").exists():
        return None
    done = subprocess.run([program("postgres_bench"), "0", "50000"], text=True,
                          capture_output=True,
                          env={"FOOTFALL_TEST_POSTGRES": services.variables["DATABASE_URL"]})
    found = re.search(r"footfall +([\d.]+) \((\d+)\)\s+text keys +([\d.]+).*\n"
                      r".*text ([\d.]+) of the CPU; footfall / naive ([\d.]+)", done.stdout)
    if not found:
        raise RuntimeError(f"postgres_bench: {done.stdout}{done.stderr}")
    ours, rate, text, to_text, to_naive = map(float, found.groups())
    return {"id": "yardstick-postgres", "what": "apply + fold alone, batches of 1,000",
            "rate": rate, "cpu_us": {"postgres": ours}, "to_text": to_text, "to_naive": to_naive,
            "notes": f"text keys: {text:.1f} us; {to_text:.2f} times its CPU; "
                     f"{to_naive:.0f} times the rate of one INSERT and one UPSERT an event"}
