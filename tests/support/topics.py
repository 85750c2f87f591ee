"""A Kafka topic that a test deletes, makes again, fills and cuts as another program would."""
from __future__ import annotations

import json

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from footfall import wait_until


class Topic:
    def __init__(self, environment: dict[str, str]):
        self.name = environment["KAFKA_TOPIC"]
        self.settings = {"bootstrap.servers": environment["KAFKA_BROKER"]}
        self.admin = AdminClient(self.settings)

    def delete(self) -> None:
        self.admin.delete_topics([self.name])[self.name].result(20)

    def create(self, partitions: int = 4) -> None:
        def made() -> bool:
            try:
                self.admin.create_topics([NewTopic(self.name, partitions, 1)])[
                    self.name].result(20)
            except KafkaException:
                return False  # The old one is still going.
            return True

        wait_until(made, 30, "the topic is there again")

    def make_anew(self, partitions: int = 4) -> None:
        self.delete()
        self.create(partitions)

    def produce(self, events: list[dict], partition: int = -1) -> None:
        """Events as JSON, in the partition that their page belongs to, unless another is named."""
        producer = Producer({**self.settings, "partitioner": "murmur2_random", "acks": "all"})
        failed = []
        for event in events:
            producer.produce(self.name, json.dumps(event).encode(), event["page_url"].encode(),
                             partition,
                             lambda error, _: failed.append(error) if error else None)
        assert producer.flush(30) == 0
        assert not failed, failed[:3]

    def delete_records(self, partition: int, below: int) -> None:
        asked = TopicPartition(self.name, partition, below)
        for done in self.admin.delete_records([asked]).values():
            done.result(20)
