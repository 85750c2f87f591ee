"""A small identity provider on loopback: a token endpoint for client credentials, and the key
that its tokens are signed with."""
from __future__ import annotations

import base64
import http.server
import json
import pathlib
import subprocess
import threading
import time

from authority import openssl

CLIENT, SECRET = "footfall-node", "the-right-secret"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class IdentityProvider:
    """`issued` counts tokens; `life_s` is how long the next ones last."""

    def __init__(self, folder: pathlib.Path, audience: str = "kafka"):
        self.key = folder / "idp.key"
        openssl("genrsa", "-out", self.key, 2048)
        self.audience = audience
        self.life_s = 3600
        self.issued = 0
        handler = type("Handler", (Handler,), {"provider": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "IdentityProvider":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()

    def token(self, key: pathlib.Path | None = None, **claims: object) -> str:
        now = int(time.time())
        body = {"iss": self.url, "sub": CLIENT, "aud": self.audience, "scope": "kafka",
                "iat": now, "exp": now + self.life_s, **claims}
        head = {"alg": "RS256", "typ": "JWT", "kid": "one"}
        text = ".".join(base64url(json.dumps(x).encode()) for x in (head, body))
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key or self.key],
                              input=text.encode(), capture_output=True, check=True, timeout=60)
        self.issued += 1
        return f"{text}.{base64url(done.stdout)}"

    def keys(self) -> dict:
        modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").strip().split("=")[1]
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "e": "AQAB",
                          "n": base64url(bytes.fromhex(modulus))}]}


class Handler(http.server.BaseHTTPRequestHandler):
    provider: IdentityProvider

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.answer(200, self.provider.keys())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        wanted = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if self.headers.get("authorization") != wanted:
            return self.answer(401, {"error": "invalid_client"})
        self.answer(200, {"access_token": self.provider.token(), "token_type": "Bearer",
                          "expires_in": self.provider.life_s})

    def log_message(self, *_) -> None:
        pass
