"""A stand-in of Kubernetes' API that keeps Secrets, for what runs in a pod."""
from __future__ import annotations

import base64
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading

from footfall import PATIENCE, run

TOKEN, NAMESPACE = "token-of-the-pod", "footfall-dev"


class KubernetesApi:
    """Speaks TLS, wants the pod's token, and has no two Secrets of one name."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.secrets: dict[str, dict[str, bytes]] = {}
        self.refuses = False

    def __enter__(self) -> "KubernetesApi":
        self.account = self.folder / "account"
        made = run("certs", "--out", str(self.folder / "api"), "kubernetes")
        assert made.returncode == 0, made
        self.account.mkdir()
        (self.account / "ca.crt").write_text((self.folder / "api/ca.pem").read_text())
        (self.account / "token").write_text(TOKEN)
        (self.account / "namespace").write_text(NAMESPACE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "api/kubernetes.pem",
                                self.folder / "api/kubernetes.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()

    def run(self, script: pathlib.Path, **environment: str) -> subprocess.CompletedProcess:
        server = f"https://127.0.0.1:{self.server.server_address[1]}"
        return subprocess.run(
            ["sh", script], capture_output=True, text=True, timeout=60 * PATIENCE, env={
                **os.environ, "ACCOUNT": str(self.account), "SERVER": server, **environment})

    def _handler(self) -> type:
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                code, told = api.create(self.path, self.headers["authorization"], body)
                self.send_response(code)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_) -> None:
                pass

        return Handler

    def create(self, path: str, authorization: str, body: bytes) -> tuple[int, dict]:
        if authorization != f"Bearer {TOKEN}":
            return 401, {"message": "Unauthorized"}
        if self.refuses or path != f"/api/v1/namespaces/{NAMESPACE}/secrets":
            return 403, {"message": "secrets is forbidden"}
        secret = json.loads(body)
        name = secret["metadata"]["name"]
        if name in self.secrets:
            return 409, {"message": f'secrets "{name}" already exists'}
        self.secrets[name] = {key: base64.b64decode(value, validate=True)
                              for key, value in secret["data"].items()}
        return 201, secret
