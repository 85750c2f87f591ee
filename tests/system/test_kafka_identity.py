"""A real Kafka that asks for a client's certificate (mutual TLS), or for a signed token over TLS
(OAUTHBEARER, validated by the broker): who has one counts, also after the token was renewed; who
has none, or another's, is told. Not tried: an identity provider of somebody else."""
import base64
import contextlib
import json
import pathlib
import re
import subprocess
import time
import uuid

import pytest

from authority import Authority
from footfall import ROOT, Server, wait_until
from identity_provider import CLIENT, SECRET, IdentityProvider
from own_services import OwnServices
from ports import fixed_ports

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
NAMES = ("plaintext", "controller", "ssl", "oauth")


class IdentityKafka(OwnServices):
    """TLS with clients' certificates on one port, TLS with tokens on another."""

    def __init__(self, folder: pathlib.Path, authority: Authority, provider: IdentityProvider):
        super().__init__(folder, "kafka")
        self.scripts_environment["KAFKA_JVM"] = (
            "-Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={provider.url}/keys")
        self.authority = authority
        self.ports = dict(zip(NAMES, fixed_ports().values()))
        (folder / "kafka").mkdir()
        (folder / "kafka/port").write_text(self.ports["plaintext"])
        (folder / "kafka/controller-port").write_text(self.ports["controller"])
        listeners = [f"{x.upper()}://127.0.0.1:{port}" for x, port in self.ports.items()]
        told = [f"{x.upper()}://localhost:{port}" for x, port in self.ports.items()
                if x != "controller"]
        login = "org.apache.kafka.common.security.oauthbearer"
        (folder / "kafka/more.properties").write_text(f"""
listeners={",".join(listeners)}
advertised.listeners={",".join(told)}
listener.security.protocol.map=SSL:SSL,OAUTH:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={authority.folder / "broker.pem"}
listener.name.ssl.ssl.client.auth=required
listener.name.ssl.ssl.truststore.type=PEM
listener.name.ssl.ssl.truststore.location={authority.certificate}
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config={login}.OAuthBearerLoginModule required;
listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=\
{login}.OAuthBearerValidatorCallbackHandler
sasl.oauthbearer.jwks.endpoint.url={provider.url}/keys
sasl.oauthbearer.jwt.validator.class={login}.BrokerJwtValidator
sasl.oauthbearer.expected.audience=kafka
sasl.oauthbearer.expected.issuer={provider.url}
""")

    def settings(self, listener: str, **more: object) -> dict[str, str]:
        out = {"KAFKA_BROKER": f"localhost:{self.ports[listener]}",
               "KAFKA_TOPIC": f"clicks-{uuid.uuid4().hex}",
               "KAFKA_SECURITY_PROTOCOL": "ssl" if listener == "ssl" else "sasl_ssl",
               "KAFKA_SSL_CA_LOCATION": str(self.authority.certificate)}
        if listener == "oauth":
            out["KAFKA_SASL_MECHANISM"] = "OAUTHBEARER"
        return out | {name: str(value) for name, value in more.items()}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    out = Authority(tmp_path_factory.mktemp("certificates"))
    out.issue("broker")
    out.issue("node")
    return out


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    with IdentityProvider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def kafka(tmp_path_factory, authority, provider):
    with IdentityKafka(tmp_path_factory.mktemp("services"), authority, provider) as running:
        yield running


def certificate(authority: Authority, name: str) -> dict[str, object]:
    return {"KAFKA_SSL_CERTIFICATE_LOCATION": authority.folder / f"{name}.crt",
            "KAFKA_SSL_KEY_LOCATION": authority.folder / f"{name}.key"}


def click(server: Server, count: int) -> None:
    assert server.ingest.post("/v1/events", CLICK).status == 200
    wait_until(lambda: server.count("ada", "/x") == count, 20, f"{count} are counted")


def test_a_node_with_a_certificate_counts(kafka, authority):
    with Server(environment=kafka.settings("ssl", **certificate(authority, "node"))) as server:
        click(server, 1)
        server.restart()
        click(server, 2)
        assert server.audit()["ok"]
        server.terminate()


def test_a_node_that_nobody_vouches_for_waits_and_says_so(kafka, authority):
    """The certificates of brokers and nodes change one after the other."""
    Authority(authority.folder, "other-ca").issue("stranger")
    for more in ({}, certificate(authority, "stranger")):
        with Server(environment=kafka.settings("ssl", **more), start=False) as server:
            server.launch()
            wait_until(lambda: "not ready yet: the event log fails" in server.stderr(), 30, "told")
            assert re.search("(?i)ssl|certificate", server.stderr()), server.stderr()
            assert not server.ready_file.exists()


def fetch_token(provider: IdentityProvider, folder: pathlib.Path) -> pathlib.Path:
    """As docs/deployment.md says it."""
    text = (ROOT / "docs/deployment.md").read_text()
    function = re.search(r"```sh\n(fetch_token\(\).*?)```", text, re.S).group(1)
    (folder / "client").write_text(f"{CLIENT}:{SECRET}\n")
    subprocess.run(["bash", "-euo", "pipefail", "-c",
                    f"{function}\nfetch_token {provider.url}/token client token"],
                   cwd=folder, check=True, timeout=60, capture_output=True)
    return folder / "token"


def test_a_node_with_a_token_counts_and_takes_the_next_one(kafka, provider, tmp_path):
    provider.life_s = 20
    settings = kafka.settings("oauth", KAFKA_SASL_TOKEN_FILE=fetch_token(provider, tmp_path))
    with Server(environment=settings) as server:
        click(server, 1)
        provider.life_s = 3600
        old = (tmp_path / "token").read_text()
        fetch_token(provider, tmp_path)
        # The first one is over; whoever had only that could not come in again.
        kafka.run("kill9", "kafka")
        wait_until(lambda: expired(old), 30, "the first token is over")
        kafka.run("start", "kafka")
        wait_until(lambda: server.admin.get("/readyz").status == 200, 40, "it is ready again")
        click(server, 2)
        assert server.audit()["ok"]
        assert old.strip() not in server.stderr()
        server.terminate()


def expired(token: str) -> bool:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"] < time.time()


def test_a_token_that_is_no_good_ends_the_start(kafka, provider, tmp_path):
    provider.life_s = 3600
    stranger = IdentityProvider(tmp_path)
    stranger.server.server_close()
    files = {"signed by another": provider.token(key=stranger.key), "of old": provider.token(exp=9),
             "for another": provider.token(aud="another"), "empty": "", "two": "a\nb"}
    cases = {name: str(tmp_path / name) for name in files} | {"missing": str(tmp_path / "missing")}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with contextlib.ExitStack() as stack:
        started = {name: stack.enter_context(Server(
            environment=kafka.settings("oauth", KAFKA_SASL_TOKEN_FILE=path), start=False))
            for name, path in cases.items()}
        for server in started.values():
            server.launch()
        for name, server in started.items():
            wait_until(lambda: server.process.poll() is not None, 40, name)
            words = server.stderr()
            assert server.process.poll() == 1, f"{name}: {words}"
            assert "cannot start: Kafka does not take our credentials" in words, f"{name}: {words}"
            assert "KAFKA_SASL_TOKEN_FILE" in words, f"{name}: {words}"
            assert not files.get(name) or files[name] not in words
        assert "No such file" in started["missing"].stderr()
        assert "is empty" in started["empty"].stderr()
        assert "unexpired" in started["of old"].stderr()
