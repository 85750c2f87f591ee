"""Nodes that have no way to Kafka, or to the database either: gateways and nodes that answer."""
import time

import pytest

from cluster import Cluster, gateway, links
from footfall import PATIENCE, Server, make_key, run, wait_until
from journal import Load, end_and_check, gauge
from own_services import OwnServices
from services import Services
from test_access import bearer

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
PASSWORD = "correct horse battery"


@pytest.fixture
def services():
    with Services("KAFKA_BROKER", "DATABASE_URL") as running:
        yield running


def only_database(services: Services) -> dict[str, str]:
    return {name: value for name, value in services.environment.items() if name != "KAFKA_BROKER"}


def names_of(server: Server) -> dict[str, str]:
    """The nodes that it shows, and its links to them."""
    return {x["name"]: x.get("link", "self")
            for x in server.admin.get("/cluster").json()["nodes"]}


def test_a_gateway_without_kafka_and_database(services):
    with Cluster(services.environment, 2) as nodes, \
            gateway("n9", "127.0.0.1:1", nodes.address("n1")) as gate:
        gate.start()
        assert "ready:" in gate.stderr() and "log none here" in gate.stderr(), gate.stderr()
        everybody = {"n1": "up", "n2": "up", "n9": "self"}
        wait_until(lambda: names_of(gate) == everybody, 5, lambda: names_of(gate))
        wait_until(lambda: names_of(nodes["n2"]) == {"n1": "up", "n2": "self", "n9": "up"}, 5,
                   lambda: names_of(nodes["n2"]))
        ready = gate.admin.get("/readyz").json()
        assert ready["roles"] == {"gateway": "ok"}, ready
        for number in range(12):
            page = f"/{number}"
            posted = gate.ingest.post("/v1/events", {**CLICK, "page_url": page})
            assert posted.status == 200, posted
            at = posted.headers["footfall-position"]
            found = gate.query.get("/v1/stats/page", page_url=page,
                                   headers={"Footfall-After": at})
            assert found.status == 200 and found.json()["clicks"] == 1, found
            assert found.headers["footfall-node"] == nodes.owners()[int(at.split(":")[0])]
        assert len(gate.query.get("/v1/stats/top-pages", limit=20).json()["pages"]) == 12
        assert gauge(gate, "footfall_remote_events_total") == 12
        shown = run("cluster", "--url", gate.url("admin"))
        assert shown.returncode == 0, shown
        assert all(name in shown.stdout for name in everybody), shown.stdout
        actors = gate.admin.get("/actors", name="partition").json()
        assert len(actors["actors"]) == 8, actors  # Those of both other nodes.
        for path in ("/admin/audit", "/admin/bad-events"):
            refused = gate.admin.get(path)
            assert refused.status == 503 and "this node has no database" in refused.text, refused


def test_what_a_gateway_took_is_counted_once_whoever_dies(services):
    with Cluster(services.environment, 2) as nodes, \
            gateway("n9", nodes.address("n1"), nodes.address("n2")) as gate:
        gate.start()
        with Load(gate, clients=4, seed=131) as load:
            wait_until(lambda: load.accepted() >= 100 or load.trouble, 20, "events are accepted")
            nodes["n1"].kill9()  # It told the gateway who is there, or the other did.
            wanted = load.accepted() + 200
            wait_until(lambda: load.accepted() >= wanted or load.trouble, 20, "they still are")
            gate.kill9()
            gate.ports = {name: at.rsplit(":", 1)[1] for name, at in gate.ready.items()
                          if name in gate.ports}
            gate.start()
            wanted = load.accepted() + 100
            wait_until(lambda: load.accepted() >= wanted or load.trouble, 20, "and again")
        gate.terminate()
        end_and_check(nodes["n2"], load.journal, services.sql, "a gateway and a node killed")


def test_a_gateway_takes_events_while_the_database_hangs(tmp_path):
    """Nobody tells it anything new then, and its links stay: the log takes what it is given."""
    with OwnServices(tmp_path) as own, Cluster(own.environment(), 2) as nodes, \
            gateway("n9", nodes.address("n1")) as gate:
        gate.start()
        own.run("pause", "postgres")
        try:
            until = time.monotonic() + 5
            posted = 0
            while time.monotonic() < until:
                answer = gate.ingest.post("/v1/events", {**CLICK, "event_id": f"e{posted}"})
                assert answer.status == 200, answer
                posted += 1
        finally:
            own.run("resume", "postgres")
        wait_until(lambda: gate.query.get("/v1/stats/page", page_url="/x").status == 200
                   and gate.query.get("/v1/stats/page", page_url="/x").json()["clicks"] == posted,
                   20, f"all {posted} are counted")
        assert nodes["n2"].audit() == {"ok": True, "differences": []}


def test_a_gateway_that_finds_nobody_says_where_it_looked(services):
    with gateway("n9", "127.0.0.1:1", "nowhere.invalid:9090") as gate:
        gate.launch()
        wait_until(lambda: "the seed nowhere.invalid:9090" in gate.stderr()
                   and "the seed 127.0.0.1:1" in gate.stderr(), 15, gate.stderr)
        assert not gate.ready_file.exists()
        gate.terminate()


def test_a_node_that_answers_needs_no_kafka(services):
    asked = Server(*links("n9"), "--roles", "gateway,query", environment=only_database(services),
                   start=False)
    with asked:
        asked.launch()  # Before anybody has claimed a partition.
        wait_until(lambda: "start a node with the role aggregate" in asked.stderr(), 15,
                   asked.stderr)
        with Cluster(services.environment, 1) as nodes:
            asked.await_ready()
            assert asked.admin.get("/readyz").json()["roles"] == {"gateway": "ok", "query": "ok"}
            wait_until(lambda: names_of(asked) == {"n1": "up", "n9": "self"}, 10,
                       lambda: names_of(asked))
            posted = asked.ingest.post("/v1/events", CLICK)
            assert posted.status == 200, posted
            after = {"Footfall-After": posted.headers["footfall-position"]}
            found = asked.query.get("/v1/stats/page", page_url="/x", headers=after)
            assert found.status == 200 and found.json()["clicks"] == 1, found
            assert found.headers["footfall-node"] == "n1"
            audit = asked.audit_in_full()
            assert audit["ok"] is True and audit["differences"] == [], audit
            nodes["n1"].kill9()
            # The store answers what nobody has in memory.
            wait_until(lambda: asked.query.get("/v1/stats/page", page_url="/x").status == 200, 10,
                       "the store is asked")
            assert asked.query.get("/v1/stats/page", page_url="/x").json()["source"] == "store"
            nodes["n1"].start()
            wait_until(lambda: names_of(asked).get("n1") == "up", 20, lambda: names_of(asked))
            assert asked.ingest.post("/v1/events", CLICK).status == 200


def test_a_gateway_asks_for_the_keys_that_others_store(services):
    keyed = ("--auth", "on")
    held = Server(environment=services.environment, start=False)  # For its settings alone.
    root = make_key(held, "--role", "admin", "--site", "*")
    with Cluster(services.environment, 1) as nodes, \
            gateway("n9", seed := nodes.address("n1"), options=keyed) as gate:
        gate.start()
        assert gate.ingest.post("/v1/events", CLICK).status == 401
        assert gate.ingest.post("/v1/events", CLICK, bearer(root)).status == 200
        made = run("key", "add", "--role", "ingest", "--site", "default",
                   environment=services.environment)
        assert made.returncode == 0, made
        key = made.stdout.strip()
        began = time.monotonic()
        wait_until(lambda: gate.ingest.post("/v1/events", CLICK, bearer(key)).status == 200, 5,
                   "the key is known")
        assert time.monotonic() - began < 4 * PATIENCE
        assert gate.query.get("/v1/stats/page", bearer(key), page_url="/x").status == 403

        # People and their changes, at the gateway.
        added = gate.query.post("/v1/users", {"name": "ada", "password": PASSWORD, "role": "admin",
                                              "site": "*"}, bearer(root))
        assert added.status == 200, added
        assert "password" not in added.text.replace("/password", "")
        wrong = gate.query.post("/v1/session", {"name": "ada", "password": "not that one at all"})
        assert wrong.status == 401, wrong
        entered = gate.query.post("/v1/session", {"name": "ada", "password": PASSWORD})
        assert entered.status == 200, entered
        cookie = {"Cookie": entered.headers["set-cookie"].split(";")[0]}
        shown = gate.query.get("/v1/session", cookie).json()
        assert shown["signed_in"] is True and shown["name"] == "ada", shown
        keys = gate.query.get("/v1/keys", cookie)
        assert keys.status == 200 and len(keys.json()["keys"]) == 2, keys
        for x in keys.json()["keys"]:
            if x["role"] == "ingest":
                gone = gate.query.request("DELETE", f"/v1/keys/{x['id']}", headers=cookie)
                assert gone.status == 200, gone
        assert gate.ingest.post("/v1/events", CLICK, bearer(key)).status == 401
        nodes["n1"].kill9()  # Who is known stays so, and nothing can be changed.
        assert gate.query.get("/v1/session", cookie).json()["signed_in"] is True
        wait_until(lambda: gate.query.get("/v1/keys", cookie).status == 503, 10, "nobody to ask")
        options = nodes["n1"].options  # It comes back where the seed says.
        options[options.index("--cluster-listen") + 1] = seed
        nodes["n1"].start()
        wait_until(lambda: gate.query.get("/v1/keys", cookie).status == 200, 20, "it is back")
