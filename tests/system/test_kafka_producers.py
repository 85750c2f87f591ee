"""Records of other producers: transactions, compaction, compression, other clients."""
import json
import subprocess
import uuid

import confluent_kafka
import confluent_kafka.admin
import pytest

from footfall import PATIENCE, ROOT, Server, wait_until
from services import Services

PAGE = "/pricing"


def record(number: int, user: str = "ann", page: str = PAGE) -> bytes:
    return json.dumps({"event_id": f"other-{number}", "user_id": user, "event_type": "click",
                       "page_url": page, "time_stamp": "2025-11-05T20:00:00Z"}).encode()


class Python:
    """The Python client."""

    def __init__(self, services: Services, **settings):
        self.services = services
        self.settings = {"bootstrap.servers": services.environment["KAFKA_BROKER"],
                         "partitioner": "murmur2_random", **settings}
        self.topic = services.environment["KAFKA_TOPIC"]

    def producer(self, **settings) -> confluent_kafka.Producer:
        return confluent_kafka.Producer({**self.settings, **settings})

    def write(self, records: list[bytes], end: str, codec: str = "none") -> None:
        own = {"compression.type": codec}
        if end != "plain":
            own["transactional.id"] = uuid.uuid4().hex
        producer = self.producer(**own)
        if end != "plain":
            producer.init_transactions(20)
            producer.begin_transaction()
        for value in records:
            producer.produce(self.topic, value, PAGE)
        assert producer.flush(20) == 0
        if end == "commit":
            producer.commit_transaction(20)
        elif end == "abort":
            producer.abort_transaction(20)

    def offsets(self, partition: int) -> list[int]:
        """Of the records that a reader gets, from the start to the end."""
        reader = confluent_kafka.Consumer({
            **{k: v for k, v in self.settings.items() if k != "partitioner"},
            "group.id": uuid.uuid4().hex, "enable.partition.eof": True})
        reader.assign([confluent_kafka.TopicPartition(self.topic, partition, 0)])
        out = []
        while True:
            message = reader.poll(20 * PATIENCE)
            assert message is not None, "no end of the partition"
            if message.error():
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, \
                    message.error()
                reader.close()
                return out
            out.append(message.offset())


class Java:
    """The Java client."""

    def __init__(self, services: Services):
        self.environment = services.environment

    def write(self, records: list[bytes], end: str, codec: str = "none") -> None:
        lines = b"\n".join(PAGE.encode() + b"\t" + value for value in records)
        done = subprocess.run(
            ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", ROOT / "build/kafka/jars/*",
             ROOT / "tests/support/JavaProducer.java", self.environment["KAFKA_BROKER"],
             self.environment["KAFKA_TOPIC"], codec, end],
            input=lines, capture_output=True, timeout=120 * PATIENCE)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]


@pytest.fixture
def services():
    with Services("KAFKA_BROKER") as given:
        yield given


def click(server: Server, name: str) -> None:
    answer = server.ingest.post("/v1/events", {"event_id": name, "user_id": "ann",
                                               "event_type": "click", "page_url": PAGE})
    assert answer.status == 200, answer


def lag(server: Server) -> float:
    lines = [line for line in server.admin.get("/metrics").text.splitlines()
             if line.startswith("footfall_partition_lag_records{")]
    assert lines
    return sum(float(line.split()[-1]) for line in lines)


def all_is_well(server: Server, clicks: int) -> None:
    """Every partition runs and has applied its log to the end, whatever the end is."""
    wait_until(lambda: server.count("ann", PAGE) == clicks, 30,
               f"{clicks} clicks (now {server.count('ann', PAGE)})")
    wait_until(lambda: lag(server) == 0, 30, "no lag")
    ready = server.admin.get("/readyz")
    assert ready.status == 200, ready
    assert server.audit()["ok"], server.audit()
    assert server.count("ann", PAGE) == clicks


@pytest.mark.parametrize("client", [Python, Java])
def test_transactions(services, client):
    """Committed ones count, aborted ones do not, and neither stops anything."""
    with Server(environment=services.environment) as server:
        other = client(services)
        other.write([record(1), record(2)], "commit")
        click(server, "ours-1")
        all_is_well(server, 3)
        other.write([record(3), record(4)], "abort", "lz4")
        all_is_well(server, 3)  # A marker is the last that the log has.
        server.kill9()
        server.start()
        all_is_well(server, 3)
        click(server, "ours-2")
        other.write([record(number) for number in range(5, 305)], "commit", "zstd")
        other.write([record(400)], "abort")
        all_is_well(server, 304)
        # Started anew, all of it is read at once.
        with Server(environment=services.environment) as second:
            all_is_well(second, 304)


def test_a_transaction_that_is_open_holds_up_what_follows_and_then_nothing(services):
    with Server(environment=services.environment) as server:
        producer = Python(services).producer(**{"transactional.id": uuid.uuid4().hex})
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.produce(services.environment["KAFKA_TOPIC"], record(1), PAGE)
        assert producer.flush(20) == 0
        click(server, "ours")
        server.kill9()
        server.start()
        assert server.count("ann", PAGE) == 0
        producer.commit_transaction(20)
        all_is_well(server, 2)


@pytest.mark.parametrize("client", [Python, Java])
def test_compressed_batches(services, client):
    with Server(environment=services.environment) as server:
        sent = 0
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            client(services).write([record(number) for number in range(sent, sent + 100)],
                                   "plain", codec)
            sent += 100
        all_is_well(server, sent)
        server.kill9()
        server.start()
        all_is_well(server, sent)


def test_a_compacted_topic(services):
    """What compaction left counts, wherever the holes are."""
    client = Python(services)
    admin = confluent_kafka.admin.AdminClient(
        {"bootstrap.servers": services.environment["KAFKA_BROKER"]})
    topic = confluent_kafka.admin.NewTopic(
        client.topic, num_partitions=1, replication_factor=1,
        config={"cleanup.policy": "compact", "segment.ms": "100",
                "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "100"})
    for future in admin.create_topics([topic]).values():
        future.result(20)
    producer = client.producer()

    def write(numbers: range, key) -> None:
        for number in numbers:
            producer.produce(client.topic, record(number), key(number))
        assert producer.flush(20) == 0

    write(range(0, 300), lambda number: f"key {number % 7}")
    write(range(300, 310), lambda number: f"key of its own {number}")
    write(range(310, 400), lambda number: "key 3")
    left = []

    def compacted() -> bool:
        # Only what is not the newest segment is cleaned: each look begins another.
        write(range(1000, 1001), lambda number: "key 3")
        left[:] = client.offsets(0)
        return len(left) < 30

    wait_until(compacted, 60, "the log cleaner has made holes")
    holes = [(a, b) for a, b in zip([-1, *left], left) if b - a > 1]
    assert holes and left[0] > 0, left
    with Server(environment=services.environment) as server:
        assert "cleanup.policy=compact" in server.stderr()
        wait_until(lambda: lag(server) == 0, 30)
        counted = server.count("ann", PAGE)
        # 6 keys, 10 of their own, and "key 3", which is written again and again.
        assert 17 <= counted <= len(left), (counted, left)
        click(server, "ours")
        all_is_well(server, counted + 1)
        server.kill9()
        server.start()
        click(server, "ours again")
        all_is_well(server, counted + 2)
