"""Topics that are not as Footfall makes them: small limits, copies, partitions added later."""
import json
import threading
import uuid

import confluent_kafka
import confluent_kafka.admin as kafka
import pytest

from footfall import Server, wait_until
from services import Services

PAGE = "/pricing"


@pytest.fixture
def services():
    with Services("KAFKA_BROKER") as given:
        yield given


class Topic:
    """The topic of a test, seen by its administrator."""

    def __init__(self, services: Services):
        self.name = services.environment["KAFKA_TOPIC"]
        self.admin = kafka.AdminClient(
            {"bootstrap.servers": services.environment["KAFKA_BROKER"]})

    def create(self, partitions: int = 1, **config: str) -> None:
        named = {name.replace("_", "."): value for name, value in config.items()}
        topic = kafka.NewTopic(self.name, num_partitions=partitions, replication_factor=1,
                               config=named)
        self.admin.create_topics([topic])[self.name].result(20)

    def grow(self, partitions: int) -> None:
        more = kafka.NewPartitions(self.name, partitions)
        self.admin.create_partitions([more])[self.name].result(20)

    def set(self, name: str, value: str) -> None:
        resource = kafka.ConfigResource(kafka.ResourceType.TOPIC, self.name)
        resource.add_incremental_config(kafka.ConfigEntry(
            name, value, incremental_operation=kafka.AlterConfigOpType.SET))
        self.admin.incremental_alter_configs([resource])[resource].result(20)


def events(count: int, page: str = PAGE) -> list[dict]:
    return [{"event_id": str(uuid.uuid4()), "user_id": "ann", "event_type": "click",
             "page_url": page} for _ in range(count)]


def post_at_once(server: Server, batches: int) -> list:
    """Posts batches of 900, each on a connection of its own."""
    answers = []

    def post() -> None:
        client = server.client("ingest")
        answers.append(client.post("/v1/events", events(900)))
        client.close()

    threads = [threading.Thread(target=post) for _ in range(batches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_large_batches_for_a_small_limit_are_served_in_pieces(services):
    topic = Topic(services)
    topic.create(max_message_bytes="65536")
    with Server(environment=services.environment) as server:
        answers = post_at_once(server, 9)
        assert [x.json()["accepted"] for x in answers] == [900] * 9, answers
        topic.set("max.message.bytes", "20000")  # While it runs.
        answers += post_at_once(server, 9)
        assert [x.json()["accepted"] for x in answers] == [900] * 18, answers
        wait_until(lambda: server.count("ann", PAGE) == 18 * 900, 30)
        assert server.admin.get("/readyz").status == 200
        assert server.audit()["ok"]


def test_an_event_that_the_topic_does_not_take_is_refused_for_certain(services):
    Topic(services).create(max_message_bytes="1200")
    with Server(environment=services.environment) as server:
        large = events(1, "/" + "x" * 1500)
        answer = server.ingest.post("/ingest", large[0])
        assert answer.status == 413, answer
        problem = answer.json()
        assert problem["type"] == "urn:footfall:problem:event_too_large"
        assert problem["outcome"] == "rejected" and problem["retry"] is False
        assert "max.message.bytes" in problem["detail"]
        answer = server.ingest.post("/v1/events", events(2) + large + events(1))
        assert answer.status == 200, answer
        assert [x["status"] for x in answer.json()["results"]] == [
            "accepted", "accepted", "rejected", "accepted"]
        assert answer.json()["results"][2]["code"] == "event_too_large"
        answer = server.ingest.post("/v1/events", large)
        assert answer.status == 422 and answer.json()["rejected"] == 1, answer
        wait_until(lambda: server.count("ann", PAGE) == 3, 30)
        assert server.count("ann", large[0]["page_url"]) == 0


def test_the_number_of_copies_is_chosen(services):
    """One broker cannot hold two copies, and says so; by default it decides itself."""
    wanted = {**services.environment, "KAFKA_REPLICATION_FACTOR": "2"}
    with Server(environment=wanted, start=False) as server:
        process = server.launch()
        assert process.wait(60) != 0
        assert "replication factor" in server.stderr().lower()
    with Server(environment=services.environment) as server:
        assert server.ingest.post("/v1/events", events(1)).status == 200


def test_a_topic_with_too_many_partitions_is_refused(services):
    topic = Topic(services)
    topic.create(1025)
    with Server(environment=services.environment, start=False) as server:
        process = server.launch()
        assert process.wait(60) == 1
        assert "has 1025 partitions, and Footfall takes up to 1024" in server.stderr()
    topic.admin.delete_topics([topic.name])[topic.name].result(20)


def test_partitions_that_are_added_while_it_runs_are_taken_up(services):
    topic = Topic(services)

    def write(producer: confluent_kafka.Producer, partition: int, count: int) -> None:
        for event in events(count):
            event["time_stamp"] = "2025-11-05T20:00:00Z"
            producer.produce(topic.name, json.dumps(event), PAGE, partition)
        assert producer.flush(20) == 0

    with Server(environment=services.environment) as server:
        assert server.ingest.post("/v1/events", events(10)).status == 200
        topic.grow(6)
        producer = confluent_kafka.Producer(
            {"bootstrap.servers": services.environment["KAFKA_BROKER"]})
        for partition in (4, 5):
            write(producer, partition, 20)
        wait_until(lambda: server.count("ann", PAGE) == 50, 20)
        assert "has 6 partitions now" in server.stderr()
        for number in range(40):  # Nothing is posted to where an older node would not read.
            answer = server.ingest.post("/v1/events", events(1, f"/{number}"))
            assert int(answer.json()["results"][0]["position"].split(":")[0]) < 4, answer
        for _ in range(2):
            server.kill9()
            server.start()
            write(producer, 5, 10)
            assert server.ingest.post("/v1/events", events(10)).status == 200
        wait_until(lambda: server.count("ann", PAGE) == 90, 30)
        assert all(server.count("ann", f"/{number}") == 1 for number in range(40))
        assert server.admin.get("/readyz").status == 200
        assert server.audit()["ok"]
