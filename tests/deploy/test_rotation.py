"""A database's password, the nodes' authority: changed under load, no restart, each click once."""
import pathlib

import psycopg
import pytest

from footfall import Server, run, wait_until
from journal import Load, end_and_check, gauge
from own_services import OwnServices
from ports import fixed_ports
from service_waits import await_applied, await_more, postgres_rows


@pytest.fixture
def own(tmp_path):
    with OwnServices(tmp_path / "services", "kafka", "postgres") as services:
        yield services


def replace(path: pathlib.Path, text: str) -> None:
    """By rename, so that nobody reads half of it."""
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.rename(path)


def started(server: Server) -> float:
    return gauge(server, "process_start_time_seconds")


def test_a_password_of_the_database_changes(own, tmp_path):
    """As docs/operations.md has it: the file that PGPASSFILE names, then the role."""
    environment = own.environment()
    rows = postgres_rows(environment)
    address, name = environment["DATABASE_URL"].split("@")[1].split("/")
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as session:
        session.execute("CREATE ROLE node LOGIN PASSWORD 'first'")
        session.execute(f'ALTER DATABASE "{name}" OWNER TO node')
        session.execute("GRANT CREATE, USAGE ON SCHEMA public TO node")
    passwords = tmp_path / "passwords"
    replace(passwords, "*:*:*:node:first\n")
    settings = {**environment, "DATABASE_URL": f"postgresql://node@{address}/{name}",
                "PGPASSFILE": str(passwords)}
    with Server(environment=settings, ports=fixed_ports()) as server:
        began = started(server)
        with Load(server, clients=4, seed=70, pause=0.005) as load:
            await_more(load, 100)
            with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as session:
                session.execute("ALTER ROLE node PASSWORD 'second'")
                await_more(load, 100)  # Sessions that are open go on.
                await_applied(server)
                replace(passwords, "*:*:*:node:second\n")
                ended = session.execute("SELECT count(pg_terminate_backend(pid)) FROM"
                                        " pg_stat_activity WHERE usename = 'node'").fetchone()[0]
                assert ended > 0
            await_more(load, 100)
            await_applied(server)
        assert started(server) == began
        wait_until(lambda: server.admin.get("/readyz").status == 200, 30, "it is ready")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgresql://node:first@{address}/{name}")
        end_and_check(server, load.journal, rows, "a new password of the database")
    assert set(load.journal.answers) == {200}, load.journal.answers


class Certificates:
    """Of two nodes, in one folder; authorities made by `footfall certs`."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        for name in ("now", "old", "new"):
            (folder / name).mkdir()
        self.make("old")
        for name in ("n1.pem", "n1.key", "n2.pem", "n2.key", "ca.pem"):
            self.take(name, "old")

    def make(self, which: str) -> None:
        done = run("certs", "--out", str(self.folder / which), "n1", "n2")
        assert done.returncode == 0, done

    def take(self, name: str, *which: str) -> None:
        replace(self.folder / "now" / name,
                "".join((self.folder / x / name).read_text() for x in which))

    def options(self, name: str) -> list[str]:
        now = self.folder / "now"
        return ["--cluster-listen", "127.0.0.1:0", "--node-name", name, "--cluster-ca",
                f"{now}/ca.pem", "--cluster-cert", f"{now}/{name}.pem", "--cluster-key",
                f"{now}/{name}.key"]


def linked(*servers: Server) -> bool:
    nodes = [x.admin.get("/cluster").json()["nodes"] for x in servers]
    return all([y.get("link") for y in x if not y["self"]] == ["up"] for x in nodes)


def test_the_authority_of_the_nodes_changes(own, tmp_path):
    """First all believe both, then all show new ones, then none believes the old. n1 runs on; n2
    begins again after each step, so that each has to make a new link."""
    certificates = Certificates(tmp_path)
    certificates.make("new")
    environment = own.environment()
    with Server(*certificates.options("n1"), environment=environment, ports=fixed_ports()) as n1, \
            Server(*certificates.options("n2"), environment=environment,
                   ports=fixed_ports()) as n2:
        wait_until(lambda: linked(n1, n2), 20, "both are linked")
        began = started(n1)

        def link_again(what: str) -> None:
            n2.restart()
            wait_until(lambda: linked(n1, n2), 20, lambda: f"{what}: {n1.stderr()[-2000:]}")

        with Load(n1, clients=4, seed=71, pause=0.005) as load:
            await_more(load, 50)
            certificates.take("ca.pem", "old", "new")
            link_again("both authorities")
            for name in ("n1", "n2"):
                certificates.take(f"{name}.key", "new")
                certificates.take(f"{name}.pem", "new")
            link_again("new certificates")
            certificates.take("ca.pem", "new")
            link_again("the new authority alone")
            await_more(load, 50)
            # What the old one signed is nothing any more.
            certificates.take("n2.key", "old")
            certificates.take("n2.pem", "old")
            n2.terminate()
            done = run("serve", *certificates.options("n2"), environment=environment)
            assert done.returncode == 1 and "is not signed by" in done.stderr, done
            certificates.take("n2.key", "new")
            certificates.take("n2.pem", "new")
            n2.start()
            wait_until(lambda: linked(n1, n2), 20, "both are linked")
        assert started(n1) == began
        n2.terminate()
        end_and_check(n1, load.journal, postgres_rows(environment), "a new authority")
    assert set(load.journal.answers) == {200}, load.journal.answers
