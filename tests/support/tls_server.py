"""A server that speaks TLS, and what openssl has to say of it."""
import pathlib
import re
import socket
import ssl
import subprocess

import grpc

from authority import Authority
from footfall import PATIENCE, Server

NAMES = "DNS:localhost,IP:127.0.0.1"


class Tls:
    """A server with a certificate of an authority that `trust` believes."""

    def __init__(self, folder: pathlib.Path, *options: str):
        self.authority = Authority(folder)
        self.certificate = self.authority.issue("node", NAMES)
        self.key = self.certificate.with_suffix(".key")
        self.trust = ssl.create_default_context(cafile=str(self.authority.certificate))
        self.server = Server("--tls-cert", str(self.certificate), "--tls-key", str(self.key),
                             *options, start=False)
        self.server.trust = self.trust

    def __enter__(self) -> "Tls":
        self.server.start()
        return self

    def __exit__(self, *why) -> None:
        self.server.__exit__(*why)

    def serial(self, listener: str) -> int:
        """Of the certificate that a new connection is shown."""
        host, _, port = self.server.address(listener).rpartition(":")
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.set_alpn_protocols(["h2" if listener == "grpc" else "http/1.1"])
        with socket.create_connection((host, int(port)), 10 * PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                return int(secured.getpeercert()["serialNumber"], 16)

    def channel(self) -> grpc.Channel:
        return grpc.secure_channel(
            self.server.address("grpc"),
            grpc.ssl_channel_credentials(self.authority.certificate.read_bytes()))

    def replace(self, name: str) -> int:
        """Puts another certificate in the place of the first, by rename. @returns its serial."""
        made = self.authority.issue(name, NAMES)
        made.with_suffix(".key").rename(self.key)
        made.rename(self.certificate)
        return serial_of(self.certificate)

    def metric(self, name: str) -> float:
        text = self.server.admin.get("/metrics").text
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))


def serial_of(certificate: pathlib.Path) -> int:
    shown = subprocess.run(["openssl", "x509", "-serial", "-noout", "-in", certificate],
                           capture_output=True, text=True, check=True).stdout
    return int(shown.strip().partition("=")[2], 16)


def hands_shaken(address: str, *options: str) -> tuple[bool, str]:
    """Whether openssl agrees with the listener on anything, and all that it says."""
    done = subprocess.run(["openssl", "s_client", "-connect", address, *options],
                          capture_output=True, text=True, timeout=20 * PATIENCE,
                          stdin=subprocess.DEVNULL, errors="replace")
    said = done.stdout + done.stderr
    return "Cipher is (NONE)" not in said and "Cipher is " in said, said
