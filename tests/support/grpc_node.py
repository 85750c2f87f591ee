"""A gRPC client of a real server in tests."""
import importlib
import pathlib
import subprocess
import sys
import types
import uuid

import grpc
from grpc_health.v1 import health_pb2_grpc

from footfall import PATIENCE, ROOT, Server


def load_stubs(out: pathlib.Path):
    """The modules that protoc makes of the .proto files, in the folder `out`."""
    files = ["analytics/analytics.proto", "footfall/v1/ingest.proto", "footfall/v1/stats.proto"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto"),
                    f"--python_out={out}", f"--grpc_python_out={out}", *files], check=True,
                   cwd=ROOT / "proto")
    # A whole package, in front of the helper module of the same name while it is imported.
    for folder in (out / "footfall", out / "footfall/v1"):
        (folder / "__init__.py").touch()
    helper = sys.modules.pop("footfall")
    sys.path.insert(0, str(out))
    try:
        names = ["analytics.analytics_pb2", "analytics.analytics_pb2_grpc",
                 "footfall.v1.ingest_pb2", "footfall.v1.ingest_pb2_grpc",
                 "footfall.v1.stats_pb2", "footfall.v1.stats_pb2_grpc"]
        return types.SimpleNamespace(**{
            name.rpartition(".")[2].replace("_pb2", ""): importlib.import_module(name)
            for name in names})
    finally:
        sys.path.remove(str(out))
        sys.modules["footfall"] = helper


class Node:
    """A server with a channel and the services on it."""

    def __init__(self, server: Server, stubs):
        self.server, self.stubs = server, stubs
        # A pool of its own, so that a channel is a connection.
        self.channel = grpc.insecure_channel(server.address("grpc"), options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", 64 << 20)])
        self.analytics = stubs.analytics_grpc.AnalyticsServiceStub(self.channel)
        self.ingest = stubs.ingest_grpc.IngestStub(self.channel)
        self.stats = stubs.stats_grpc.StatsStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)
        self.seconds = 10 * PATIENCE

    def event(self, **fields):
        return self.stubs.ingest.Event(**{
            "event_id": str(uuid.uuid4()), "user_id": "ada", "event_type": "click",
            "page_url": "/p", **fields})

    def request(self, *events, site=""):
        return self.stubs.ingest.PostEventsRequest(site_id=site, events=events)

    def post(self, *events, site=""):
        return self.ingest.PostEvents(self.request(*events, site=site), timeout=self.seconds)

    def raw(self, method: str, data: bytes, **options):
        """A unary call with bytes of any kind."""
        call = self.channel.unary_unary(method, request_serializer=None,
                                        response_deserializer=None)
        return call(data, timeout=self.seconds, **options)

    def stored(self) -> int:
        """Events of all sites that the tests use, accepted and applied."""
        asks = [self.stubs.stats.TopPagesRequest(site_id=site, limit=1000)
                for site in ("", "shop")]
        return sum(page.clicks for ask in asks
                   for page in self.stats.GetTopPages(ask, timeout=self.seconds).pages)


def time_stamp(node, seconds, nanos=0):
    event = node.stubs.ingest.Event()
    event.time_stamp.seconds, event.time_stamp.nanos = seconds, nanos
    return event.time_stamp
