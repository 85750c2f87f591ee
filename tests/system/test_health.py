"""`footfall health`: what the health check of a container learns, in each state of a node."""
import os
import signal

import pytest

from footfall import Client, Server, run, wait_until


def asked(server: Server, *more: str):
    return run("health", "--url", server.url("admin"), *more)


def test_a_node_that_works_is_live_and_ready(server):
    done = asked(server)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")
    done = asked(server, "--live")
    assert (done.returncode, done.stdout, done.stderr) == (0, "live\n", "")
    assert asked(server, "--role", "ingest").returncode == 0


def test_it_asks_this_machine_at_the_port_of_the_variable(server):
    port = server.address("admin").rpartition(":")[2]
    assert run("health", environment={"FOOTFALL_ADMIN_PORT": port}).returncode == 0


def test_a_node_that_ends_is_not_ready():
    with Server("--drain-delay-s", "20") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: asked(server).returncode == 1, 10, "it is not ready")
        assert "drain" in asked(server).stderr
        assert asked(server, "--live").returncode == 0
        Client(server.address("query")).get("/v1/stats/top-pages")
        server.terminate()


def test_a_node_that_is_away_or_stands_still_cannot_be_reached():
    with Server() as server:
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            done = asked(server)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert done.returncode == 3 and "did not answer" in done.stderr, done
        assert asked(server).returncode == 0
        server.kill9()
        done = asked(server, "--live")
        assert done.returncode == 3 and "cannot reach" in done.stderr, done


@pytest.mark.parametrize("words", [
    ["--role", "cook"], ["--live", "--role", "ingest"], ["--url", "nowhere"], ["more"],
], ids=" ".join)
def test_usage_mistakes_end_with_2(words):
    assert run("health", *words).returncode == 2
