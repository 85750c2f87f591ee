"""TLS at the listeners of clients: what is spoken and what is not, certificates that are
replaced, and the program's own commands as clients."""
import contextlib
import json
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from authority import Authority
from footfall import BINARY, PATIENCE, Client, Server, make_key, run, wait_until
from raw_http import RawConnection, request
from sse import Stream
from tls_server import NAMES, Tls, hands_shaken, serial_of

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
LISTENERS = ("ingest", "query", "grpc")
# What scanners call weak: no authentication or encryption, small or broken ciphers, no forward
# secrecy, no authenticated encryption.
WEAK = ("aNULL", "eNULL", "EXPORT", "RC4", "DES", "3DES", "MD5", "PSK", "SRP", "CAMELLIA", "ARIA",
        "SEED", "IDEA", "kRSA", "kDHE", "SHA1", "SHA256", "SHA384", "AESCCM")


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    with Tls(tmp_path_factory.mktemp("tls")) as made:
        yield made


def test_all_that_clients_ask_goes_over_tls(tls):
    with contextlib.closing(Stream(tls.server.address("query"), "page:/x",
                                   trust=tls.trust)) as stream:
        answer = tls.server.ingest.post("/v1/events", CLICK)
        assert answer.status == 200, answer
        after = {"Footfall-After": answer.json()["results"][0]["position"]}
        counted = tls.server.query.get("/v1/stats/count", after, user_id="ada", page_url="/x")
        assert counted.json()["count"] == 1, counted
        stream.until("page", lambda x: x.json()["clicks"] == 1)
    answer = health_pb2_grpc.HealthStub(tls.channel()).Check(
        health_pb2.HealthCheckRequest(), timeout=10 * PATIENCE)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    # Whoever is on the machine asks admin without.
    assert tls.server.admin.get("/healthz").status == 200


def test_what_is_long_comes_whole(tls):
    """In records of TLS, which neither a read of the server nor a write of it ends with."""
    sent = [{**CLICK, "user_id": f"u{i}", "page_url": f"/long/{i}/" + "x" * 900}
            for i in range(1000)]
    answer = tls.server.ingest.post("/v1/events?site=long", sent)
    assert answer.json()["accepted"] == 1000, answer

    def listed() -> set[str]:
        shown = tls.server.query.get("/v1/stats/top-pages", limit=1000, site="long").json()
        return {x["page_url"] for x in shown["pages"]}

    wait_until(lambda: listed() == {x["page_url"] for x in sent}, 20, "all pages are listed")
    # One byte at a time, each a record of its own.
    host, _, port = tls.server.address("ingest").rpartition(":")
    with socket.create_connection((host, int(port)), 10 * PATIENCE) as plain:
        with tls.trust.wrap_socket(plain, server_hostname="localhost") as secured:
            body = json.dumps(CLICK).encode()
            for byte in request("POST", "/v1/events", body, "Content-Type: application/json"):
                secured.sendall(bytes([byte]))
            assert secured.recv(9000).startswith(b"HTTP/1.1 200")
    # Several requests in one record are answered in order.
    with socket.create_connection((host, int(port)), 10 * PATIENCE) as plain:
        with tls.trust.wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(b"".join(request("GET", path) for path in ("/a", "/b", "/c")))
            text = b""
            while text.count(b"HTTP/1.1 404") < 3:
                got = secured.recv(9000)
                assert got, text
                text += got


@pytest.mark.parametrize("listener", LISTENERS)
def test_what_is_weak_is_refused(tls, listener):
    address = tls.server.address(listener)
    # gRPC speaks with nobody who does not ask for HTTP/2.
    asks = ("-alpn", "h2") if listener == "grpc" else ()
    for version in ("-tls1", "-tls1_1"):
        agreed, said = hands_shaken(address, version, "-cipher", "ALL:@SECLEVEL=0", *asks)
        # gRPC hangs up instead of saying so.
        assert not agreed and ("unexpected eof" if asks else "alert protocol version") in said, said
    for cipher in WEAK:
        # Without those that are no other's part: SHA256 names the authenticated ones too.
        suite = f"{cipher}:!AESGCM:!CHACHA20:@SECLEVEL=0" if cipher.startswith("SHA") else (
            f"{cipher}:@SECLEVEL=0")
        agreed, said = hands_shaken(address, "-tls1_2", "-cipher", suite, *asks)
        # What this openssl itself has no more, it cannot offer.
        refused = re.search("handshake failure|unexpected eof|no cipher", said)
        assert not agreed and refused, (cipher, said)
    for version in ("-tls1_2", "-tls1_3"):
        agreed, said = hands_shaken(address, version, *asks)
        assert agreed and "Compression: NONE" in said and "Expansion: NONE" in said, said
        assert re.search(r"Cipher is (ECDHE-|TLS_)\S*(GCM|CHACHA20)", said), said


def test_nothing_is_agreed_twice_and_nothing_resumed(tls):
    agreed, said = hands_shaken(tls.server.address("ingest"), "-tls1_2", "-reconnect")
    assert agreed and "Reused" not in said and "Secure Renegotiation IS supported" in said, said
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect",
                           tls.server.address("ingest")], input="R\n", capture_output=True,
                          text=True, timeout=20 * PATIENCE, errors="replace")
    assert "no renegotiation" in done.stdout + done.stderr, done
    agreed, said = hands_shaken(tls.server.address("ingest"), "-alpn", "h2")
    assert not agreed and "no application protocol" in said, said


def test_who_speaks_plainly_is_told(tls):
    before = tls.metric("footfall_tls_failures_total")
    for listener in ("ingest", "query"):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            answer = Client(tls.server.address(listener)).request(method, "/")
            assert answer.status == 400, answer
            assert answer.json()["type"] == "urn:footfall:problem:tls_needed", answer
            assert "https://" in answer.json()["detail"], answer
    assert tls.metric("footfall_tls_failures_total") == before + 8


def test_strangers_hold_up_nobody(tls):
    """Those who say nothing, half of a greeting, or what is no TLS at all."""
    address = tls.server.address("ingest")
    before = tls.metric("footfall_tls_failures_total")
    with RawConnection(address, 30) as silent, RawConnection(address, 30) as half:
        half.send(b"\x16\x03\x01\x02\x00\x01\x00")
        for noise in (b"\x00" * 64, b"\x16\x03\x01\xff\xff" + b"x" * 9000, b"\x80\x2e\x01\x00\x02",
                      b"\x15\x03\x01\x00\x02\x02\x28"):
            with RawConnection(address) as one:
                one.send(noise)
                with contextlib.suppress(OSError):
                    one.socket.shutdown(socket.SHUT_WR)
                assert one.receive().status == 0
        began = time.monotonic()
        assert tls.server.ingest.post("/v1/events", CLICK).status == 200
        assert time.monotonic() - began < 1 * PATIENCE
        assert half.ended() and silent.ended()  # After 10 s.
    # All but who said nothing.
    assert tls.metric("footfall_tls_failures_total") == before + 5


def test_strangers_at_grpc_fill_no_log(tls):
    before = len(tls.server.stderr().splitlines())
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 9000) * 20:
        with contextlib.suppress(OSError), RawConnection(tls.server.address("grpc")) as one:
            one.send(noise)
            one.receive()
    said = tls.server.stderr().splitlines()[before:]
    assert len(said) <= 2 and all(" gRPC: " in line for line in said), said


def test_silence_makes_room(tmp_path):
    """As without TLS: who has said nothing for a second gives way."""
    with Tls(tmp_path, "--max-connections", "20") as tls:
        silent = [RawConnection(tls.server.address("query")) for _ in range(20)]
        time.sleep(1.5)
        for _ in range(10):
            assert tls.server.client("query").get("/nowhere").status == 404
        for one in silent:
            one.socket.close()


def test_the_end_of_a_connection_is_said_and_heard(tls):
    host, _, port = tls.server.address("query").rpartition(":")
    with socket.create_connection((host, int(port)), 10 * PATIENCE) as plain:
        secured = tls.trust.wrap_socket(plain, server_hostname="localhost",
                                        suppress_ragged_eofs=False)
        secured.sendall(request("GET", "/nowhere", None, "Connection: close"))
        text = b""
        while got := secured.recv(9000):  # Ends with the server's word for it, or raises.
            text += got
        assert text.startswith(b"HTTP/1.1 404")
    # A question and the end of questions in one segment: the answer, and the end.
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = tls.trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection((host, int(port)), 10 * PATIENCE) as plain:
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
                break
            plain.sendall(outgoing.read())
            incoming.write(plain.recv(9000))
        client.write(request("GET", "/nowhere"))
        with contextlib.suppress(ssl.SSLWantReadError):
            client.unwrap()
        plain.sendall(outgoing.read())
        began = time.monotonic()
        while plain.recv(9000):
            pass
        assert time.monotonic() - began < 5 * PATIENCE


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_certificate_that_is_replaced_is_shown(tls, listener):
    with socket.create_connection(
            tuple(tls.server.address("ingest").rsplit(":", 1)), 10 * PATIENCE) as plain:
        with tls.trust.wrap_socket(plain, server_hostname="localhost") as kept:
            first = serial_of(tls.certificate)
            wait_until(lambda: tls.serial(listener) == first, 5)
            second = tls.replace(f"next-{listener}")
            assert second != first
            wait_until(lambda: tls.serial(listener) == second, 5, "the new one is shown")
            # Broken ones do no harm, and are told.
            good = tls.certificate.read_bytes(), tls.key.read_bytes()
            for text in (b"half a certif", good[0][:-60], b""):
                tls.certificate.write_bytes(text)
                time.sleep(1.2)
                assert tls.serial(listener) == second
            assert "what was read before stays in use" in tls.server.stderr()
            tls.certificate.unlink()
            tls.server.process.send_signal(signal.SIGHUP)  # As for any daemon: no end.
            time.sleep(1.2)
            assert tls.serial(listener) == second
            tls.certificate.write_bytes(good[0])
            third = tls.replace(f"third-{listener}")
            wait_until(lambda: tls.serial(listener) == third, 5, "the third one is shown")
            assert f"{tls.certificate} was read again; it is valid until 20" in tls.server.stderr()
            # What was open all the while goes on.
            kept.sendall(request("GET", "/nowhere"))
            assert kept.recv(9000).startswith(b"HTTP/1.1 404")
    expires = tls.metric("footfall_tls_certificate_expires_seconds")
    assert 86_400 < expires - time.time() < 3 * 86_400


def test_a_pair_that_cannot_be_used_ends_the_start(tmp_path):
    authority = Authority(tmp_path)
    one, other = authority.issue("one", NAMES), authority.issue("other", NAMES)
    short = authority.issue("short", NAMES, kind=("-newkey", "rsa:1024"))
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "ec", "-in", one.with_suffix(".key"), "-aes256", "-passout",
                    "pass:x", "-out", locked], check=True, capture_output=True)
    for options, code, why in (
            (("--tls-cert", one), 2, "tls-cert: give the certificate's key too (--tls-key)"),
            (("--tls-key", one), 2, "tls-key: give the certificate too (--tls-cert)"),
            (("--tls-cert", one, "--tls-key", other.with_suffix(".key")), 1,
             "other.key is not the key of"),
            (("--tls-cert", one, "--tls-key", locked), 1, "one with a passphrase"),
            (("--tls-cert", tmp_path / "none.crt", "--tls-key", locked), 1,
             "none.crt cannot be read: No such file"),
            (("--tls-cert", one, "--tls-key", tmp_path), 1, f"{tmp_path} is no file"),
            (("--tls-cert", one.with_suffix(".key"), "--tls-key", one.with_suffix(".key")), 1,
             "one.key holds no certificate in PEM form"),
            (("--tls-cert", short, "--tls-key", short.with_suffix(".key")), 1, "key too small")):
        done = run("serve", "--data-dir", str(tmp_path / "data"), "--ingest-port", "0",
                   "--query-port", "0", "--grpc-port", "0", "--admin-port", "0",
                   *map(str, options))
        assert done.returncode == code and why in done.stderr, (options, done)


def test_one_that_has_expired_is_served_and_told(tmp_path):
    """Who does not care is served on; a restart must not make it worse."""
    with Tls(tmp_path) as tls:
        tls.server.terminate()
        tls.authority.issue("old", NAMES, days=-1).rename(tls.certificate)
        (tmp_path / "old.key").rename(tls.key)
        careless = ssl.create_default_context()
        careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
        tls.server.trust = careless
        tls.server.start()
        assert "has expired on 20" in tls.server.stderr()
        assert tls.server.ingest.post("/v1/events", CLICK).status == 200


def test_admin_knows_its_machine_by_both_kinds_of_address(tmp_path):
    with Tls(tmp_path, "--admin-bind", "::", "--auth", "off") as tls:
        port = tls.server.address("admin").rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            assert run("health", "--url", f"http://{host}:{port}").returncode == 0


def test_admin_speaks_tls_with_those_who_are_not_of_the_machine(tmp_path):
    """A container's own health check goes on as before; who comes from elsewhere needs TLS."""
    elsewhere = "10.254.254.1"  # Of the machine, but not of its loopback's own.
    subprocess.run(["ip", "address", "replace", f"{elsewhere}/32", "dev", "lo"], check=True)
    try:
        with Tls(tmp_path, "--bind", "0.0.0.0", "--admin-bind", "0.0.0.0", "--auth", "off") as tls:
            port = tls.server.address("admin").rpartition(":")[2]
            assert run("health", "--url", f"http://127.0.0.1:{port}").returncode == 0
            assert Client(f"127.0.0.1:{port}", trust=tls.trust).get("/healthz").status == 200
            trusts = {"SSL_CERT_FILE": str(tls.authority.certificate)}
            done = run("health", "--url", f"https://127.0.0.1:{port}", environment=trusts)
            assert done.returncode == 0, done
            answer = Client(f"{elsewhere}:{port}").get("/healthz")
            assert answer.status == 400 and "https://" in answer.json()["detail"], answer
            tls.trust.check_hostname = False
            assert Client(f"{elsewhere}:{port}", trust=tls.trust).get("/healthz").status == 200
    finally:
        subprocess.run(["ip", "address", "del", f"{elsewhere}/32", "dev", "lo"], check=True)


def test_commands_are_clients_too(tls, tmp_path):
    address = tls.server.address("query")
    trusts = {"SSL_CERT_FILE": str(tls.authority.certificate)}
    done = run("stats", "--url", f"https://{address}", environment=trusts)
    assert done.returncode == 0 and "/x" in done.stdout, done
    done = run("stats", "--url", f"https://{address.replace('127.0.0.1', 'localhost')}",
               environment=trusts)
    assert done.returncode == 0, done
    done = run("stats", "--url", f"https://{address}")
    assert done.returncode == 3 and "is not trusted here" in done.stderr, done
    assert "SSL_CERT_FILE" in done.stderr, done
    done = run("stats", "--url", f"https://{address.replace('127.0.0.1', '127.1')}",
               environment=trusts)
    assert done.returncode == 3 and "hostname mismatch" in done.stderr, done
    done = run("stats", "--url", f"http://{address}")
    assert done.returncode == 2 and "use https://" in done.stderr, done
    with Server() as plain:
        done = run("health", "--url", f"https://{plain.address('admin')}", environment=trusts)
        assert done.returncode == 3 and "no TLS is spoken there; use http://" in done.stderr, done
    lines = "".join(f'1.2.3.{i % 250} - - [01/Jan/2025:00:{i // 60:02}:{i % 60:02} +0000] '
                    f'"GET /imported HTTP/1.1" 200 5\n' for i in range(3000))
    log = tmp_path / "access.log"
    log.write_text(lines)
    done = run("import", str(log), "--to", f"https://{tls.server.address('ingest')}",
               environment=trusts)
    assert done.returncode == 0, done
    watched = subprocess.Popen(
        [BINARY, "watch", "/imported", "--json", "--url", f"https://{address}"],
        stdout=subprocess.PIPE, text=True, env=trusts)
    try:
        assert any('"clicks":3000' in line for line in watched.stdout)
    finally:
        watched.kill()
        watched.wait()


def test_a_session_is_for_tls_alone(tmp_path):
    tls = Tls(tmp_path, "--auth", "on")
    tls.server.key = make_key(tls.server, "--site", "*", "--role", "admin")
    with tls:
        made = tls.server.query.post("/v1/users", {"name": "eve", "role": "viewer", "site": "*",
                                                   "password": "correct horse battery"})
        assert made.status in (200, 201), made
        tls.server.key = ""
        tls.server.forget_clients()
        host = "localhost:" + tls.server.address("query").rpartition(":")[2]
        answer = tls.server.query.post(
            "/v1/session", {"name": "eve", "password": "correct horse battery"},
            {"Origin": f"https://{host}", "Host": host})
        assert answer.status == 200, answer
        assert "__Host-" in answer.headers["set-cookie"], answer
        assert "Secure" in answer.headers["set-cookie"], answer


def test_a_drain_ends_what_is_open(tmp_path):
    with Tls(tmp_path) as tls:
        ends = []
        stream = Stream(tls.server.address("query"), "summary", trust=tls.trust)
        reader = threading.Thread(target=lambda: ends.append(len(list(stream.events()))))
        reader.start()
        assert tls.server.ingest.post("/v1/events", CLICK).status == 200
        tls.server.process.send_signal(signal.SIGTERM)
        assert tls.server.process.wait(15 * PATIENCE) == 0
        reader.join(10 * PATIENCE)
        assert ends and ends[0] > 0
