"""Drives the real server in tests: start, kill, restart, ask over HTTP."""
from __future__ import annotations

import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.parse
from typing import Any, Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FOOTFALL_BINARY", str(ROOT / "build/release/app/footfall"))
# Sanitizers slow everything down; ctest sets the factor for their presets.
PATIENCE = float(os.environ.get("FOOTFALL_TEST_PATIENCE", "1"))


def wait_until(condition: Callable[[], Any], seconds: float = 10,
               what: str | Callable[[], Any] = "") -> Any:
    """Waits until `condition()` is true and returns its value, or fails at the deadline,
    saying `what`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            told = str(what()) if callable(what) else what
            name = told or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"{name}: not true within {seconds * PATIENCE:g} s")
        time.sleep(0.01)


class Answer:
    """One HTTP answer: status, headers (names in lower case), body."""

    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.headers} {self.body[:400]!r}>"


class Client:
    """One keep-alive connection to "host:port"; opens itself again when it was closed."""

    def __init__(self, address: str, timeout: float = 10, key: str = "",
                 trust: ssl.SSLContext | None = None):
        """`key` goes with each request that has no other one; with `trust`, TLS is spoken."""
        host, _, port = address.rpartition(":")
        self.key = key
        where = {"host": host.strip("[]"), "port": int(port), "timeout": timeout * PATIENCE}
        self.connection = (http.client.HTTPSConnection(**where, context=trust) if trust
                           else http.client.HTTPConnection(**where))

    def request(self, method: str, path: str, body: Any = None,
                headers: dict[str, str] | None = None) -> Answer:
        """Sends one request. A body that is no text and no bytes is sent as JSON."""
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        sent.update(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            sent.setdefault("content-type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        try:
            self.connection.request(method, path, body, sent)
            return Answer(self.connection.getresponse())
        except (OSError, http.client.HTTPException):
            # A request that failed half-way leaves the connection in no known state.
            self.connection.close()
            raise

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        if query:
            path += "?" + urllib.parse.urlencode(query)
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        return self.request("POST", path, body, headers)

    def close(self) -> None:
        self.connection.close()


class Server:
    """One `footfall serve` on free ports, embedded unless options say otherwise.

        with Server() as server:
            server.ingest.post("/v1/events", {...})

    The data folder lives as long as the object, so `kill9()` and `start()` (or
    `restart()`) continue on the same data. Leaving the block ends the process.
    """

    def __init__(self, *options: str, data: str | os.PathLike | None = None,
                 environment: dict[str, str] | None = None, binary: str = BINARY,
                 start: bool = True, ports: dict[str, str] | None = None):
        self._folder = tempfile.TemporaryDirectory(prefix="footfall-test-")
        self.folder = pathlib.Path(self._folder.name)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.options = list(options)
        self.environment = environment or {}
        self.binary = binary
        self.key = ""  # That the clients of this object name.
        self.trust: ssl.SSLContext | None = None  # Set: they speak TLS at ingest and query.
        self.ports = {"ingest": "0", "query": "0", "grpc": "0", "admin": "0", **(ports or {})}
        self.ready_file = self.folder / "ready.json"
        self.stderr_file = self.folder / "stderr.log"
        self.process: subprocess.Popen | None = None
        self.ready: dict[str, Any] = {}
        self._clients: dict[str, Client] = {}
        if start:
            try:
                self.start()
            except BaseException:
                self._folder.cleanup()
                raise

    # Process

    def command(self) -> list[str]:
        ports = [word for name, port in self.ports.items() for word in (f"--{name}-port", port)]
        return [self.binary, "serve", *ports, "--data-dir", str(self.data),
                "--ready-file", str(self.ready_file), *self.options]

    def launch(self) -> subprocess.Popen:
        """Starts the process without waiting for it, for tests of a start that fails."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        self.ready_file.unlink(missing_ok=True)
        # Nothing of the caller's settings may change what a test sees.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("FOOTFALL_", "KAFKA_", "REDIS_", "DATABASE_URL"))}
        with open(self.stderr_file, "ab") as stderr:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=stderr, cwd=self.folder, env={**environment, **self.environment})
        return self.process

    def start(self, seconds: float = 30) -> "Server":
        """Starts the process and waits for its ready file."""
        self.launch()
        return self.await_ready(seconds)

    def await_ready(self, seconds: float = 30) -> "Server":
        """Waits for the ready file of a process that was launched."""
        process = self.process

        def ready() -> bool:
            if process.poll() is not None:
                raise AssertionError(
                    f"serve ended with {process.returncode} before it was ready:\n{self.stderr()}")
            return self.ready_file.exists()

        try:
            wait_until(ready, seconds, "the server is ready")
        except AssertionError as error:
            self.kill9()
            raise AssertionError(f"{error}\n{self.stderr()}") from None
        self.ready = json.loads(self.ready_file.read_text())
        return self

    def kill9(self) -> None:
        """The process is gone at once, as after a power cut of the process alone."""
        self.forget_clients()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def terminate(self, seconds: float = 15) -> None:
        """SIGTERM; the server must end by itself, with 0, in time."""
        assert self.process, "never started"
        self.forget_clients()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(
                f"no end within {seconds} s of SIGTERM:\n{self.stderr()}") from None
        assert code == 0, f"exit {code} after SIGTERM:\n{self.stderr()}"

    def restart(self) -> "Server":
        """A clean end, then the same data again."""
        self.terminate()
        return self.start()

    def stderr(self) -> str:
        """What all processes of this object have written, the last 20,000 characters."""
        return self.stderr_file.read_text(errors="replace")[-20000:]

    # Addresses and requests

    def address(self, listener: str) -> str:
        """The "host:port" of ingest, query, grpc or admin."""
        return self.ready[listener]

    def url(self, listener: str) -> str:
        return f"http://{self.ready[listener]}"

    def client(self, listener: str, timeout: float = 10) -> Client:
        """A connection of its own, for tests with several."""
        trust = None if listener == "admin" else self.trust
        return Client(self.ready[listener], timeout, self.key, trust)

    def _shared(self, listener: str) -> Client:
        if listener not in self._clients:
            self._clients[listener] = self.client(listener)
        return self._clients[listener]

    @property
    def ingest(self) -> Client:
        return self._shared("ingest")

    @property
    def query(self) -> Client:
        return self._shared("query")

    @property
    def admin(self) -> Client:
        return self._shared("admin")

    def count(self, user_id: str, page_url: str, **query: Any) -> int:
        answer = self.query.get("/analytics/events", user_id=user_id, page_url=page_url, **query)
        assert answer.status == 200, answer
        return answer.json()["count"]

    def audit_in_full(self, live: str = "sample") -> dict[str, Any]:
        answer = self.admin.get("/admin/audit", live=live)
        assert answer.status == 200, answer
        return answer.json()

    def audit(self) -> dict[str, Any]:
        """The verdict alone."""
        full = self.audit_in_full()
        return {name: full[name] for name in ("ok", "differences")}

    # End

    def forget_clients(self) -> None:
        """The next request goes by a new connection."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error is not None and self.stderr_file.exists():
            print(f"--- stderr of the server ---\n{self.stderr()}")
        self.kill9()
        self._folder.cleanup()


def run(*arguments: str, stdin: str | bytes = b"", seconds: float = 60,
        environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Runs a command of the program to its end; stdout and stderr are text. What is to be refused
    for another reason must not find its usual ports taken: any connection may have one of them."""
    free = {f"FOOTFALL_{name}_PORT": "0" for name in ("INGEST", "QUERY", "GRPC", "ADMIN")}
    usual = free if arguments[:1] == ("serve",) and "--print-config" not in arguments else {}
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([BINARY, *arguments], input=data, capture_output=True,
                          timeout=seconds * PATIENCE,
                          env={**os.environ, **usual, **(environment or {})})
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def make_key(server: Server, *options: str, environment: dict[str, str] | None = None) -> str:
    """The text of a new key of the server's store, whether it runs or not."""
    done = run("key", "add", *options, environment=access_of(server, environment))
    assert done.returncode == 0, done
    return done.stdout.strip()


def access_of(server: Server, environment: dict[str, str] | None = None) -> dict[str, str]:
    """Settings with which `footfall key` and `footfall site` find the server's store."""
    return {"FOOTFALL_DATA_DIR": str(server.data),
            "DATABASE_URL": server.environment.get("DATABASE_URL", ""), **(environment or {})}
