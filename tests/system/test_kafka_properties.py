"""Properties that are given to librdkafka, and `min.insync.replicas`, with a real Kafka: what was
asked for is there; what Footfall relies on, what librdkafka does not know and what could accept
nothing is refused with the reason. Not tried here: more than one broker."""
import pathlib
import subprocess

import confluent_kafka.admin as kafka
import pytest

from footfall import BINARY, ROOT, Server, run, wait_until
from services import Services

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
CANARY = "kanary7"


@pytest.fixture
def services():
    with Services("KAFKA_BROKER") as given:
        yield given


def config_of(services: Services) -> dict:
    admin = kafka.AdminClient({"bootstrap.servers": services.environment["KAFKA_BROKER"]})
    topic = kafka.ConfigResource(kafka.ResourceType.TOPIC, services.environment["KAFKA_TOPIC"])
    return admin.describe_configs([topic])[topic].result(20)


def records_of(services: Services) -> str:
    """What Kafka's own tool says of the batches of the first segment files."""
    admin = kafka.AdminClient({"bootstrap.servers": services.environment["KAFKA_BROKER"]})
    name = services.environment["KAFKA_TOPIC"]
    broker = next(iter(admin.list_topics(name, timeout=20).brokers))
    resource = kafka.ConfigResource(kafka.ResourceType.BROKER, str(broker))
    folder = admin.describe_configs([resource])[resource].result(20)["log.dirs"].value
    found = [str(x) for x in pathlib.Path(folder).glob(f"{name}-*/*.log")]
    done = subprocess.run(["java", "-cp", ROOT / "build/kafka/jars/*",
                           "kafka.tools.DumpLogSegments", "--files", ",".join(found)],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_given_is_done(services):
    more = {"KAFKA_PROPERTIES": "compression.type=zstd; client.rack=eu-1a; ",
            "KAFKA_MIN_INSYNC_REPLICAS": "1"}
    with Server(environment=services.environment | more) as server:
        assert server.ingest.post("/v1/events", [CLICK] * 50).status == 200
        wait_until(lambda: server.count("ada", "/x") == 50, 20, "all are counted")
        entry = config_of(services)["min.insync.replicas"]
        assert entry.value == "1" and not entry.is_default
        assert "compresscodec: zstd" in records_of(services)
        assert server.audit()["ok"]
        server.terminate()


def test_more_copies_than_there_are_is_told(services):
    """The brokers' default is one copy, which nobody can know before the topic is there."""
    with Server(environment=services.environment | {"KAFKA_MIN_INSYNC_REPLICAS": "2"}) as server:
        assert config_of(services)["min.insync.replicas"].value == "2"
        words = "has min.insync.replicas=2 and copies of each event: 1, so that no event"
        wait_until(lambda: words in server.stderr(), 10, "it is told")


REFUSED = {
    "acks=1": ["acks is not set by hand", "confirmed"],
    "enable.idempotence=false": ["enable.idempotence is not", "in its order"],
    "transactional.id=x": ["transactional.id is not"],
    "group.id=x": ["group.id is not", "the store"],
    "auto.offset.reset=earliest": ["auto.offset.reset is not"],
    "enable.auto.commit=true": ["enable.auto.commit is not"],
    "isolation.level=read_uncommitted": ["isolation.level is not"],
    "message.max.bytes=99": ["message.max.bytes is not"],
    "partitioner=random": ["partitioner is not"],
    "bootstrap.servers=h:1": ["--kafka-broker"],
    f"sasl.password={CANARY}": ["--kafka-sasl-password"],
    "plugin.library.paths=/x": ["load code"],
    "enable.sasl.oauthbearer.unsecure.jwt=true": ["KAFKA_SASL_TOKEN_FILE"],
    "compresion.type=zstd": ['No such configuration property: "compresion.type"'],
    "compression.type=zip": ['Invalid value "zip" for configuration property "compression.'],
    "socket.keepalive.enable=true;socket.keepalive.enable=false": ["item 2", "another one sets"],
    CANARY: ["item 1", "name=value"],
    f"ssl.keystore.password={CANARY};{CANARY}=x": ["item 2", "holds no semicolon"],
}


@pytest.mark.parametrize("given", REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_is_refused_with_the_reason(given):
    done = run("serve", environment={"KAFKA_BROKER": "127.0.0.1:1", "KAFKA_PROPERTIES": given})
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1 and "kafka-properties" in done.stderr, done.stderr
    for word in REFUSED[given]:
        assert word in done.stderr, done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_settings_that_do_not_fit_each_other_are_refused():
    kafka_there = {"KAFKA_BROKER": "127.0.0.1:1"}
    sasl = kafka_there | {"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}
    token = sasl | {"KAFKA_SASL_MECHANISM": "OAUTHBEARER"}
    for given, word in [
            ({"KAFKA_PROPERTIES": "client.rack=a"}, "KAFKA_BROKER"),
            ({"KAFKA_MIN_INSYNC_REPLICAS": "2"}, "KAFKA_BROKER"),
            (kafka_there | {"KAFKA_REPLICATION_FACTOR": "2", "KAFKA_MIN_INSYNC_REPLICAS": "3"},
             "no event would ever be accepted"),
            (token, "KAFKA_SASL_TOKEN_FILE"),
            (sasl | {"KAFKA_SASL_TOKEN_FILE": "/x"}, "OAUTHBEARER"),
            (token | {"KAFKA_SASL_TOKEN_FILE": "/x", "KAFKA_SASL_PASSWORD": "x"},
             "kafka-sasl-password")]:
        done = run("serve", environment=given)
        assert done.returncode == 2 and word in done.stderr, f"{given}: {done.stderr}"
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_library_without_oidc_says_so():
    """One that is built with libcurl takes it; Debian 12's is not."""
    given = ("sasl.oauthbearer.method=oidc;sasl.oauthbearer.client.id=x;"
             f"sasl.oauthbearer.client.secret={CANARY};"
             "sasl.oauthbearer.token.endpoint.url=http://127.0.0.1:1/")
    done = subprocess.run([BINARY, "serve", "--print-config"], capture_output=True, text=True,
                          timeout=60, env={"KAFKA_BROKER": "127.0.0.1:1", "KAFKA_PROPERTIES": given,
                                           "KAFKA_SECURITY_PROTOCOL": "sasl_plaintext",
                                           "KAFKA_SASL_MECHANISM": "OAUTHBEARER"})
    assert CANARY not in done.stdout + done.stderr
    assert done.returncode == 0 or "libcurl" in done.stderr, done.stderr
