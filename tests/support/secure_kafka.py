"""A Kafka of its own that asks who comes: by password alone, and by password over TLS."""
from __future__ import annotations

import pathlib
import subprocess

from confluent_kafka.admin import (AdminClient, ScramCredentialInfo, ScramMechanism,
                                   UserScramCredentialUpsertion)

from own_services import OwnServices
from ports import fixed_ports

USER, PASSWORD = "ada", "the-right-word"
LISTENERS = ("sasl_plaintext", "sasl_ssl")


def make_certificate(folder: pathlib.Path, name: str) -> pathlib.Path:
    """A certificate of localhost that is its own authority; its key is NAME.key."""
    out = folder / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / f"{name}.key", "-out", out],
                   check=True, capture_output=True, timeout=60)
    return out


class SecureKafka(OwnServices):
    """`USER` gets in with PLAIN, over TLS or without it, and without it with SCRAM-SHA-512."""

    def __init__(self, folder: pathlib.Path):
        super().__init__(folder, "kafka")
        self.certificate = make_certificate(folder, "broker")
        (folder / "broker.pem").write_bytes(
            (folder / "broker.key").read_bytes() + self.certificate.read_bytes())
        self.ports = dict(zip(("plaintext", "controller", *LISTENERS), fixed_ports().values()))
        (folder / "kafka").mkdir()
        (folder / "kafka/port").write_text(self.ports["plaintext"])
        (folder / "kafka/controller-port").write_text(self.ports["controller"])
        self.configure(PASSWORD)

    def __enter__(self) -> "SecureKafka":
        super().__enter__()
        admin = AdminClient({"bootstrap.servers": self.addresses["KAFKA_BROKER"]})
        how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        asked = [UserScramCredentialUpsertion(USER, how, PASSWORD.encode())]
        for done in admin.alter_user_scram_credentials(asked).values():
            done.result(30)
        return self

    def configure(self, password: str) -> None:
        """What the broker reads when it starts. The certificate is of a name, so TLS is
        come to by it."""
        listeners = [f"{name.upper()}://127.0.0.1:{port}" for name, port in self.ports.items()]
        told = [x.replace("_SSL://127.0.0.1", "_SSL://localhost") for x in listeners
                if not x.startswith("CONTROLLER")]
        login = "org.apache.kafka.common.security"
        plain = f'{login}.plain.PlainLoginModule required user_{USER}="{password}";'
        (self.folder / "kafka/more.properties").write_text(f"""
listeners={",".join(listeners)}
advertised.listeners={",".join(told)}
listener.security.protocol.map={",".join(f"{x.upper()}:{x.upper()}" for x in LISTENERS)},\
PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_plaintext.plain.sasl.jaas.config={plain}
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config={plain}
ssl.keystore.type=PEM
ssl.keystore.location={self.folder / "broker.pem"}
""")

    def restart(self, password: str) -> None:
        """With another password of PLAIN; connections that stand are not asked again."""
        self.configure(password)
        self.run("kill9", "kafka")
        self.run("start", "kafka")

    def settings(self, listener: str, topic: str) -> dict[str, str]:
        """How a node gets in."""
        out = {"KAFKA_BROKER": f"localhost:{self.ports[listener]}", "KAFKA_TOPIC": topic,
               "KAFKA_SECURITY_PROTOCOL": listener, "KAFKA_SASL_USERNAME": USER,
               "KAFKA_SASL_PASSWORD": PASSWORD}
        if listener == "sasl_ssl":
            out["KAFKA_SSL_CA_LOCATION"] = str(self.certificate)
        return out
