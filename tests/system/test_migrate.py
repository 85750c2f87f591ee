"""`footfall migrate`: the schema alone, by whoever wants it done before nodes are renewed."""
import psycopg
import pytest

from footfall import Server, run
from services import Services

AWAY = "127.0.0.1:1"


@pytest.fixture
def environment():
    with Services("DATABASE_URL") as services:
        # Neither is asked.
        yield {**services.environment, "KAFKA_BROKER": AWAY, "REDIS_ADDR": AWAY}


def version(environment: dict[str, str]) -> int:
    with psycopg.connect(environment["DATABASE_URL"]) as session:
        return session.execute("SELECT max(version) FROM core.migrations").fetchone()[0]


def test_a_new_database_gets_the_schema_once(environment):
    for _ in range(2):
        done = run("migrate", environment=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip().endswith(f"has schema version {version(environment)}")
    password = environment["DATABASE_URL"].split("//", 1)[1].split("@")[0].partition(":")[2]
    assert not password or password not in done.stdout + done.stderr


def test_a_database_is_all_that_it_asks_for(environment, tmp_path):
    """As the Job of Kubernetes gives it: no Kafka, and no folder that could be written."""
    secret = tmp_path / "database-url"
    secret.write_text(environment["DATABASE_URL"])
    done = run("migrate", environment={"DATABASE_URL_FILE": str(secret),
                                       "FOOTFALL_DATA_DIR": "/proc/no/such/folder",
                                       "FOOTFALL_LOG_FORMAT": "json"})
    assert done.returncode == 0, done.stderr
    with psycopg.connect(environment["DATABASE_URL"]) as session:
        assert session.execute("SELECT count(*) FROM core.topics").fetchone()[0] == 0


def test_an_older_schema_is_brought_up(environment):
    assert run("migrate", environment=environment).returncode == 0
    newest = version(environment)
    with psycopg.connect(environment["DATABASE_URL"]) as session:  # Views, made anew each time.
        session.execute("DELETE FROM core.migrations WHERE version >= 10")
    assert run("migrate", environment=environment).returncode == 0
    assert version(environment) == newest


def test_a_newer_schema_is_refused_and_left_alone(environment):
    assert run("migrate", environment=environment).returncode == 0
    with psycopg.connect(environment["DATABASE_URL"]) as session:
        session.execute("INSERT INTO core.migrations (version, name) VALUES (99, 'later')")
    done = run("migrate", environment=environment)
    assert done.returncode == 1 and "run a newer Footfall" in done.stderr
    assert version(environment) == 99


def test_a_database_that_is_away_is_named(environment):
    done = run("migrate", environment={**environment,
                                       "DATABASE_URL": f"postgresql://u@{AWAY}/nothing"})
    assert done.returncode == 1 and "cannot migrate" in done.stderr


def test_an_embedded_node_that_runs_has_its_folder(tmp_path):
    done = run("migrate", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 0 and "store.db has schema version" in done.stdout
    with Server(data=tmp_path / "data") as server:
        refused = run("migrate", "--data-dir", str(tmp_path / "data"))
        assert refused.returncode == 1 and str(server.process.pid) in refused.stderr
    wrong = run("migrate", "--partitions", "none")
    assert wrong.returncode == 2 and "partitions" in wrong.stderr
