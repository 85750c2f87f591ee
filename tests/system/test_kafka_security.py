"""A real Kafka that asks for a user, with TLS and without: a node that may come in counts; one
that may not says so, and ends if that is at its start."""
import contextlib
import uuid

import pytest

from footfall import Server, wait_until
from secure_kafka import LISTENERS, PASSWORD, SecureKafka, make_certificate

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
WRONG = "another-word"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    with SecureKafka(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture
def topic():
    return f"clicks-{uuid.uuid4().hex}"


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_node_that_may_come_in_counts(kafka, topic, listener):
    with Server(environment=kafka.settings(listener, topic)) as server:
        assert server.ingest.post("/v1/events", CLICK).status == 200
        wait_until(lambda: server.count("ada", "/x") == 1)
        server.restart()
        assert server.ingest.post("/v1/events", CLICK).status == 200
        wait_until(lambda: server.count("ada", "/x") == 2)
        assert server.audit()["ok"]
        assert PASSWORD not in server.stderr()
        server.terminate()


def test_what_the_broker_refuses_ends_the_start(kafka, topic):
    plain, over_tls = (kafka.settings(x, topic) for x in LISTENERS)
    cases = {
        "Authentication failed: Invalid": over_tls | {"KAFKA_SASL_PASSWORD": WRONG},
        "supported mechanisms: PLAIN": plain | {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"},
        # The right password, but Kafka 4 does not take the SCRAM of an older library.
        "SCRAM needs librdkafka 2.6.1": plain | {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"},
    }
    with contextlib.ExitStack() as stack:
        started = {reason: stack.enter_context(Server(environment=settings, start=False))
                   for reason, settings in cases.items()}
        for server in started.values():
            server.launch()
        for reason, server in started.items():
            wait_until(lambda: server.ready_file.exists() or server.process.poll() is not None, 30)
            if "SCRAM needs" in reason and server.process.poll() is None:
                continue  # The library is new enough.
            words = server.stderr()
            assert server.process.poll() == 1 and reason in words, words
            assert "cannot start: Kafka does not take our credentials" in words, words
            assert "KAFKA_SASL_PASSWORD" in words, words
            assert WRONG not in words and PASSWORD not in words


def test_a_certificate_that_nobody_vouches_for_is_told(kafka, topic, tmp_path):
    """Brokers may be getting new ones, so the node waits."""
    other = make_certificate(tmp_path, "other")
    settings = kafka.settings("sasl_ssl", topic) | {"KAFKA_SSL_CA_LOCATION": str(other)}
    with Server(environment=settings, start=False) as server:
        server.launch()
        wait_until(lambda: "not ready yet: the event log fails" in server.stderr(), 30, "a word")
        assert "certificate verify failed" in server.stderr()
        server.terminate(5)


def test_credentials_that_change_while_it_runs_are_waited_for(kafka, topic):
    """Brokers and nodes learn a new password one after the other."""
    with Server(environment=kafka.settings("sasl_ssl", topic)) as server:
        kafka.restart(WRONG)
        wait_until(lambda: "does not take our credentials" in server.admin.get("/readyz").text,
                   30, "it is told")
        answer = server.admin.get("/readyz", role="ingest")
        assert answer.status == 503 and "Authentication failed" in answer.text, answer
        kafka.restart(PASSWORD)
        wait_until(lambda: server.admin.get("/readyz").status == 200, 30, "it is ready again")
        assert server.ingest.post("/v1/events", CLICK).status == 200
        wait_until(lambda: server.count("ada", "/x") == 1)
        server.terminate()
