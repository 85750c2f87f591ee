"""No password leaves the process, whichever way it came in: each contains the canary, as
does each piece that a parser may cut from it at / % @ or a quote."""
import json
import pathlib
import subprocess
import urllib.parse

import grpc
import psycopg
import pytest

from footfall import BINARY, PATIENCE, Server, run, wait_until
from grpc_node import Node, load_stubs
from journal import gauge
from own_services import OwnServices

CANARY = "kanary7"
PASSWORD = "kanary7/kanary7%kanary7@kanary7:kanary7'kanary7\"kanary7\\kanary7"
ENCODED = urllib.parse.quote(PASSWORD, safe="")
QUOTED = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
AWAY = "127.0.0.1:1"

GOOD = {
    "url": {"DATABASE_URL": f"postgresql://me:{ENCODED}@{AWAY}/d"},
    "url, small letters": {"DATABASE_URL": f"postgresql://me:{ENCODED.lower()}@{AWAY}/d"},
    "url parameter": {"DATABASE_URL": f"postgresql://{AWAY}/d?user=me&password={ENCODED}"},
    "words": {"DATABASE_URL": f"host=127.0.0.1 port=1 password='{QUOTED}' dbname=d"},
    "pgpassword": {"DATABASE_URL": f"postgresql://{AWAY}/d", "PGPASSWORD": PASSWORD},
    "redis url": {"REDIS_ADDR": f"redis://:{ENCODED}@{AWAY}"},
    "redis url with a user": {"REDIS_ADDR": f"redis://me:{ENCODED}@{AWAY}/0"},
    "redis": {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "1", "REDIS_PASSWORD": PASSWORD},
    "kafka": {"KAFKA_BROKER": AWAY, "KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
              "KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": PASSWORD,
              "KAFKA_SSL_KEY_PASSWORD": PASSWORD,
              "KAFKA_PROPERTIES": f"client.rack=a;ssl.keystore.password={PASSWORD}"},
}
# Refused: the rest of the password would become a host or a database name.
BAD = {
    "slash": {"DATABASE_URL": f"postgresql://me:kanary7/kanary7@{AWAY}/d"},
    "at": {"DATABASE_URL": f"postgresql://me:kanary7@kanary7@{AWAY}/d"},
    "percent": {"DATABASE_URL": f"postgresql://me:kanary7%kanary7@{AWAY}/d"},
    "all": {"DATABASE_URL": f"postgresql://me:{PASSWORD}@{AWAY}/d"},
    "another scheme": {"DATABASE_URL": f"mysql://me:kanary7@{AWAY}/d"},
    "words without quotes": {"DATABASE_URL": "host=h password=kanary7 kanary7 dbname=d"},
    "parameter": {"DATABASE_URL": f"postgresql://{AWAY}/d?pasword=kanary7"},
    "redis slash": {"REDIS_ADDR": f"redis://:kanary7/kanary7@{AWAY}"},
    "redis at": {"REDIS_ADDR": f"redis://:kanary7@kanary7@{AWAY}"},
    "redis percent": {"REDIS_ADDR": f"redis://:kanary7%kanary7@{AWAY}"},
    "redis host": {"REDIS_HOST": f"redis://:kanary7@{AWAY}"},
    "redis tls": {"REDIS_ADDR": f"rediss://:kanary7@{AWAY}"},
    "kafka semicolon": {"KAFKA_BROKER": AWAY,
                        "KAFKA_PROPERTIES": "ssl.keystore.password=a;kanary7=b"},
    "kafka property": {"KAFKA_BROKER": AWAY, "KAFKA_PROPERTIES": "sasl.password=kanary7"},
    "the wrong place": {"FOOTFALL_PARTITIONS": f"redis://:kanary7@{AWAY}"},
    "not the file": {"REDIS_HOST": "h", "REDIS_PASSWORD": "kanary7", "REDIS_PASSWORD_FILE": "/x"},
}
NAMES = {"DATABASE_URL": "database-url", "REDIS_ADDR": "redis-addr", "REDIS_HOST": "redis-host",
         "REDIS_PORT": "redis-port", "REDIS_PASSWORD": "redis-password",
         "KAFKA_BROKER": "kafka-broker", "KAFKA_SECURITY_PROTOCOL": "kafka-security-protocol",
         "KAFKA_SASL_USERNAME": "kafka-sasl-username",
         "KAFKA_SASL_PASSWORD": "kafka-sasl-password",
         "KAFKA_SSL_KEY_PASSWORD": "kafka-ssl-key-password",
         "KAFKA_PROPERTIES": "kafka-properties"}
SECRET = {"DATABASE_URL", "REDIS_ADDR", "REDIS_PASSWORD", "KAFKA_SASL_PASSWORD",
          "KAFKA_SSL_KEY_PASSWORD", "KAFKA_PROPERTIES"}


def by(way: str, given: dict[str, str], folder: pathlib.Path) -> tuple[list, dict]:
    """Arguments and variables that give the same settings another way."""
    arguments, variables, lines = [], {}, []
    for name, value in given.items():
        if way == "file" and name in SECRET:
            path = folder / name
            path.write_text(value + "\n")
            variables[name + "_FILE"] = str(path)
        elif way == "environment" or name not in NAMES or way == "file":
            variables[name] = value
        elif way == "flag":
            arguments += ["--" + NAMES[name], value]
        else:
            lines.append(f"{NAMES[name]} = {value}\n")
    if lines:
        (folder / "footfall.conf").write_text("".join(lines))
        arguments += ["--config", str(folder / "footfall.conf")]
    return arguments, variables


WAYS = ["flag", "environment", "config", "file"]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_set_is_masked_when_it_is_printed(way, tmp_path):
    for name, given in GOOD.items():
        arguments, variables = by(way, given, tmp_path)
        done = run("serve", "--print-config", *arguments, environment=variables)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert CANARY not in done.stdout + done.stderr, name
        assert "***" in done.stdout or name == "pgpassword", name


@pytest.mark.parametrize("way", WAYS)
def test_what_is_refused_is_not_shown(way, tmp_path):
    for name, given in BAD.items():
        if "_FILE" in " ".join(given) and way != "environment":
            continue
        arguments, variables = by(way, given, tmp_path)
        done = run("serve", *arguments, environment=variables)
        assert done.returncode == 2, f"{name}: {done.stderr}"
        assert CANARY not in done.stdout + done.stderr, f"{name}: {done.stderr}"
        assert len(done.stderr.splitlines()) == 1 and len(done.stderr) > 40, done.stderr


@pytest.mark.parametrize("arguments", [
    ["--redis-pasword", "kanary7"], ["--redis-pasword=kanary7"], ["kanary7"],
    ["--database-ulr", "postgresql://me:kanary7@h/d"], ["--redis-addr", "h:1", "kanary7"],
    ["--config", "redis://:kanary7@h"],
], ids=str)
def test_a_misspelled_flag_shows_no_value(arguments):
    done = run("serve", *arguments)
    assert done.returncode == 2
    assert CANARY not in done.stdout + done.stderr, done.stderr


def test_a_line_of_the_config_file_that_is_no_setting_is_not_shown(tmp_path):
    for line in ["postgresql://me:kanary7@h/d?sslmode=require", "kanary7",
                 "redis-pasword = kanary7", "/kanary7 = 1"]:
        path = tmp_path / "footfall.conf"
        path.write_text(line + "\n")
        done = run("serve", "--config", str(path))
        assert done.returncode == 2 and "line 1" in done.stderr
        assert CANARY not in done.stdout + done.stderr, done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", ["url", "words", "redis url with a user", "kafka"])
def test_a_service_that_is_away_is_told_without_its_password(form, name):
    server = Server("--log-format", form, environment=GOOD[name], start=False)
    with server:
        process = server.launch()
        wait_until(lambda: server.stderr() or process.poll() is not None, 30, "a word of it")
        wait_until(lambda: "127.0.0.1" in server.stderr() or "redis" in name, 30, "the address")
        assert CANARY not in server.stderr()


# Texts of a real server that repeat the password: a trigger says it in its error.

@pytest.fixture(scope="module")
def services(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services"), "postgres", "redis") as running:
        yield running


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    return load_stubs(tmp_path_factory.mktemp("stubs"))


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


SHOUT = """
CREATE FUNCTION shout() RETURNS boolean LANGUAGE plpgsql AS $f$
BEGIN RAISE EXCEPTION 'refused: % and % and %', {}, {}, {}; END $f$;
""" + "".join(f"""
CREATE POLICY shout ON core.{table} USING (shout()) WITH CHECK (shout());
ALTER TABLE core.{table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE core.{table} FORCE ROW LEVEL SECURITY;
""" for table in ("events", "page_totals"))


def database_of_its_own(services: OwnServices) -> str:
    """DATABASE_URL of a role that has the canary for its password and is no superuser."""
    with psycopg.connect(services.addresses["DATABASE_URL"], autocommit=True) as session:
        session.execute("DROP DATABASE IF EXISTS secrets")
        session.execute("DROP ROLE IF EXISTS secrets")
        session.execute(f"CREATE ROLE secrets LOGIN PASSWORD {literal(PASSWORD)}")
        session.execute("CREATE DATABASE secrets OWNER secrets")
    host = services.addresses["DATABASE_URL"].rsplit("@", 1)[1].split("/")[0]
    return f"postgresql://secrets:{ENCODED}@{host}/secrets"


def ask_everything(server: Server, node: Node) -> str:
    """All that the node says: every text, as JSON gives it back."""
    said = []

    def keep(value) -> None:
        if isinstance(value, dict):
            value = list(value) + list(value.values())
        if isinstance(value, list):
            for x in value:
                keep(x)
        else:
            said.append(str(value))

    for path in ("/healthz", "/readyz", "/cluster", "/version", "/actors", "/actors?view=tree",
                 "/admin/audit", "/admin/bad-events", "/admin/bad-events?limit=0"):
        keep(server.admin.get(path).json())
    for row in server.admin.get("/actors").json()["actors"]:
        keep(server.admin.get(f"/actors/{row['id']}").json())
    said.append(server.admin.get("/metrics").text)
    for path in ("page?page_url=/x", "users?page_url=/x", "top-pages", "series?page_url=/x",
                 "count?user_id=ada&page_url=/x"):
        keep(server.query.get("/v1/stats/" + path).json())
    keep(server.query.get("/analytics/events?user_id=ada&page_url=/x").json())
    with pytest.raises(grpc.RpcError) as told:
        node.stats.GetTopPages(node.stubs.stats.TopPagesRequest(limit=9), timeout=node.seconds)
    said.append(told.value.details())
    assert "***" in said[-1], said[-1]
    for command in (["audit"], ["actors"]):
        done = subprocess.run([BINARY, *command, "--url", server.url("admin")],
                              capture_output=True, text=True, timeout=60 * PATIENCE)
        said += [done.stdout, done.stderr]
    return "\n".join(said)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_server_that_repeats_the_password_is_not_repeated(services, stubs, form):
    url = database_of_its_own(services)
    redis = services.addresses["REDIS_ADDR"]
    environment = {"DATABASE_URL": url, "REDIS_ADDR": f"redis://:{ENCODED}@{redis}"}
    with Server("--log-format", form, environment=environment) as server:
        node = Node(server, stubs)
        click = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
        assert server.ingest.post("/v1/events", click).status == 200
        wait_until(lambda: gauge(server, "footfall_events_folded_total") == 1, 20, "it is folded")
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(SHOUT.format(literal(PASSWORD), literal(ENCODED), literal(QUOTED)))
        assert server.ingest.post("/v1/events", click).status == 200
        wait_until(lambda: "refused: *** and *** and ***" in server.admin.get("/actors").text, 20,
                   "the refusal is seen")
        said = ask_everything(server, node)
        assert "refused: *** and" in said
        assert CANARY not in said, [x for x in said.splitlines() if CANARY in x]
        assert CANARY not in server.stderr()
        if form == "json":
            texts = [json.loads(line)["message"] for line in server.stderr().splitlines()]
            assert texts and CANARY not in "\n".join(texts)
