"""Two real PostgreSQLs, one the other's standby, that let nobody in without TLS and a client
certificate: a node starts, counts, and goes on with the second when the first is gone."""
import os
import pathlib
import shutil

import psycopg
import pytest

from authority import Authority
from footfall import PATIENCE, Server, wait_until
from own_services import OwnServices
from standby import Standby

USER = "node"  # Without a password: its certificate says who it is.
CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}


def make_secure(services: OwnServices, authority: Authority) -> None:
    """TLS for all, and a database of `USER`, who comes in by certificate alone. A standby
    that is made from it has all of that too."""
    home = pathlib.Path((services.folder / "postgres/home").read_text().strip())
    files = {"ssl_cert_file": "db.crt", "ssl_key_file": "db.key", "ssl_ca_file": "ca.crt"}
    for name in files.values():
        to = home / "data" / name
        shutil.copy(authority.folder / name, to)
        to.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(to, "postgres", "postgres")
    rules = home / "data/pg_hba.conf"
    rules.write_text(f"hostssl secure {USER} 127.0.0.1/32 cert\n"
                     f"host secure all all reject\n" + rules.read_text())
    with psycopg.connect(services.addresses["DATABASE_URL"], autocommit=True) as session:
        for name, file in files.items():
            session.execute(f"ALTER SYSTEM SET {name} = '{file}'")
        session.execute("ALTER SYSTEM SET ssl = on")
        session.execute("SELECT pg_reload_conf()")
        session.execute(f"CREATE ROLE {USER} LOGIN")
        session.execute(f"CREATE DATABASE secure OWNER {USER}")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    out = Authority(tmp_path_factory.mktemp("certificates"))
    out.issue("db")
    out.issue(USER)
    return out


@pytest.fixture(scope="module")
def postgres(tmp_path_factory, authority):
    with OwnServices(tmp_path_factory.mktemp("services"), "postgres") as running:
        make_secure(running, authority)
        yield running


def url_of(authority: Authority, hosts: str, certificate: str = USER, root: str = "ca") -> str:
    folder = authority.folder
    client = f"&sslcert={folder}/{certificate}.crt&sslkey={folder}/{certificate}.key"
    return (f"postgresql://{USER}@{hosts}/secure?sslmode=verify-full"
            f"&sslrootcert={folder}/{root}.crt{client if certificate else '&sslcert=none'}")


def click(server: Server, count: int) -> None:
    assert server.ingest.post("/v1/events", CLICK).status == 200
    wait_until(lambda: server.count("ada", "/x") == count, 20, f"{count} are counted")


def test_who_is_not_vouched_for_is_refused(postgres, authority):
    """Whatever PostgreSQL or libpq says of it is told, and no node is ready."""
    Authority(authority.folder, "other-ca").issue("stranger")
    port = int((postgres.folder / "postgres/port").read_text())
    here = f"localhost:{port}"
    cases = {
        "certificate verify failed": url_of(authority, here, root="other-ca"),
        'does not match host name "127.0.0.1"': url_of(authority, f"127.0.0.1:{port}"),
        "requires a valid client certificate": url_of(authority, here, certificate=""),
        "unknown ca": url_of(authority, here, certificate="stranger"),
        "pg_hba.conf": url_of(authority, here).replace("verify-full", "disable"),
    }
    for words, url in cases.items():
        with Server(environment={"DATABASE_URL": url}, start=False) as server:
            process = server.launch()
            wait_until(lambda: words in server.stderr() or process.poll() is not None,
                       20 * PATIENCE, lambda: f"{words}: {server.stderr()}")
            assert words in server.stderr(), f"{words}: {server.stderr()}"
            assert not server.ready_file.exists()


def test_a_failover_between_servers_that_want_certificates(postgres, authority):
    """The last test: the first server does not come back."""
    with Standby(postgres) as standby:
        hosts = f"localhost:{standby.port},localhost:{standby.own_port}"
        url = url_of(authority, hosts) + "&target_session_attrs=read-write"
        with Server(environment={"DATABASE_URL": url}) as server:
            click(server, 1)
            with psycopg.connect(postgres.addresses["DATABASE_URL"]) as session:
                rows = session.execute(
                    "SELECT version, client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                    f" WHERE usename = '{USER}'").fetchall()
                assert rows and all(x == ("TLSv1.3", f"/CN={USER}") for x in rows), rows
                standby.await_caught_up(session)
            postgres.run("kill9", "postgres")
            wait_until(lambda: server.admin.get("/readyz").status == 503, 20, "it is missed")
            assert server.ingest.post("/v1/events", CLICK).status == 200
            standby.take_over(same_address=False)
            wait_until(lambda: server.admin.get("/readyz").status == 200, 20, "it is ready again")
            wait_until(lambda: server.count("ada", "/x") == 2, 20, "what waited is counted")
            click(server, 3)
            assert server.audit()["ok"]
            server.restart()  # The first host is still gone.
            click(server, 4)
            assert server.audit()["ok"]
            server.terminate()
