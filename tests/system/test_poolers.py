"""PostgreSQL behind pgbouncer: a pool that lends sessions for a transaction is refused with
the reason and nothing of ours stays in it; one that gives whole sessions is served."""
import threading

import psycopg
import pytest

from footfall import PATIENCE, Server, wait_until
from journal import Load
from own_services import OwnServices
from pooler import Pooler
from service_waits import await_answer, await_applied
from services import Services

OURS = ("jit", "lock_timeout", "enable_seqscan", "enable_hashjoin", "enable_mergejoin",
        "plan_cache_mode")
EVENTS = 200
LEAST_POOL = 10  # Eight connections of a node alone, and two that look for a pooler.
READY_SECONDS = 5


@pytest.fixture
def database():
    with Services("DATABASE_URL") as services:
        yield services


def settings_of(url: str) -> dict[str, str]:
    """What a stranger finds in the session that the pool lends next."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as session:
        return {name: session.execute(f"SHOW {name}").fetchone()[0] for name in OURS}


def post(server: Server, first: int = 0) -> None:
    events = [{"event_id": f"e-{i}", "user_id": f"u-{i % 7}", "event_type": "click",
               "page_url": f"/p/{i % 5}"} for i in range(first, first + EVENTS)]
    answer = server.ingest.post("/v1/events", events)
    assert answer.status == 200 and answer.json()["accepted"] == EVENTS, answer


def await_stored(database: Services, count: int) -> None:
    wait_until(lambda: database.sql("SELECT count(*) FROM core.events")[0][0] == count, 20,
               f"{count} events are stored")


def refused(url: str) -> str:
    """The words of a server that must not start."""
    with Server(environment={"DATABASE_URL": url}, start=False) as server:
        process = server.launch()
        assert process.wait(30 * PATIENCE) == 1, server.stderr()
        assert not server.ready_file.exists()
        return server.stderr()


# How the pool chooses a session: the last used one, or each in turn.
@pytest.mark.parametrize("mode, settings", [
    ("transaction", {}), ("transaction", {"server_round_robin": 1}),
    ("transaction", {"default_pool_size": 1}), ("statement", {}),
    ("statement", {"server_round_robin": 1, "min_pool_size": 5})])
def test_a_pool_of_transactions_is_refused(database, mode, settings):
    url = database.environment["DATABASE_URL"]
    with Pooler(url, mode, **settings) as pooler:
        before = settings_of(pooler.url)
        words = refused(pooler.url)
        assert "pooler" in words and "pool_mode=session" in words, words
        assert settings_of(pooler.url) == before == settings_of(url)
        with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as stranger:
            assert not stranger.execute("SELECT name FROM pg_prepared_statements").fetchall()
        assert database.sql("SELECT to_regclass('core.migrations')") == [(None,)]


def test_a_busy_pool_of_transactions_is_refused(database):
    url = database.environment["DATABASE_URL"]
    done = threading.Event()

    def work(pooled: str) -> None:
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as session:
            while not done.is_set():
                with session.transaction():
                    session.execute("SELECT pg_sleep(random() * 0.003)")

    with Pooler(url, "transaction", server_round_robin=1) as pooler:
        others = [threading.Thread(target=work, args=(pooler.url,)) for _ in range(6)]
        for other in others:
            other.start()
        try:
            for _ in range(5):
                assert "pool_mode=session" in refused(pooler.url)
        finally:
            done.set()
            for other in others:
                other.join()


def test_a_pool_of_sessions_is_served(database):
    url = database.environment["DATABASE_URL"]
    with Pooler(url, "session") as pooler:
        with Server(environment={"DATABASE_URL": pooler.url}) as server:
            post(server)
            await_stored(database, EVENTS)
            wait_until(lambda: sum(server.count(f"u-{i}", f"/p/{j}") for i in range(7)
                                   for j in range(5)) == EVENTS, 10, "all are counted")
            assert server.audit()["ok"]
            server.terminate()
        assert settings_of(pooler.url) == settings_of(url)


def test_a_pool_of_sessions_that_is_too_small_is_told(database):
    """It may be in use by others, so the node waits, and says for what."""
    with Pooler(database.environment["DATABASE_URL"], "session", default_pool_size=1) as pooler, \
            Server(environment={"DATABASE_URL": pooler.url}, start=False) as server:
        server.launch()
        wait_until(lambda: "its pool is too small" in server.stderr(), 30, "it is told")
        assert "not ready yet: the store fails" in server.stderr()
        assert not server.ready_file.exists()


def test_the_least_pool_is_enough_to_come_back(tmp_path):
    """All connections are made again at once, and each looks whether it may be used."""
    with OwnServices(tmp_path / "services", "postgres") as own:
        url = own.addresses["DATABASE_URL"]
        pool = {"default_pool_size": LEAST_POOL, "server_login_retry": 0.2}
        with Pooler(url, "session", **pool) as pooler, \
                Server(environment={"DATABASE_URL": pooler.url}) as server:
            with Load(server, clients=4, seed=60) as load:
                for _ in range(2):
                    # Every lane has a connection, so that every one of them loses it.
                    wait_until(lambda: server.admin.get("/admin/audit").status == 200, 20,
                               "the audit answers")
                    assert server.query.get("/v1/stats/top-pages").status == 200
                    await_applied(server)
                    await_answer(server)
                    own.run("kill9", "postgres")
                    wait_until(lambda: server.admin.get("/readyz").status == 503, 10, "is missed")
                    # The pooler may hold its session back for as long as the node waits: 10 s.
                    assert server.client("admin", 20).get("/admin/audit").status == 503
                    own.run("start", "postgres")
                    wait_until(lambda: server.admin.get("/readyz").status == 200, READY_SECONDS,
                               "it is ready again")
                    assert not load.trouble


def test_a_pool_that_changes_its_mode_is_used_no_more(database):
    """The pooler starts again in another mode while the node runs, and then as before."""
    url = database.environment["DATABASE_URL"]
    with Pooler(url, "session") as pooler:
        with Server(environment={"DATABASE_URL": pooler.url}) as server:
            post(server)
            await_stored(database, EVENTS)
            pooler.end()
            pooler.start("transaction")
            post(server, EVENTS)  # Durable in the log, whatever becomes of the store.
            wait_until(lambda: "pool_mode=session" in server.admin.get("/readyz").text, 20,
                       "the reason is told")
            assert server.admin.get("/readyz").status == 503
            assert settings_of(pooler.url) == settings_of(url)
            assert database.sql("SELECT count(*) FROM core.events") == [(EVENTS,)]
            pooler.end()
            pooler.start("session")
            await_stored(database, 2 * EVENTS)
            wait_until(lambda: server.admin.get("/readyz").status == 200, 20, "it is ready again")
            assert server.audit()["ok"]
