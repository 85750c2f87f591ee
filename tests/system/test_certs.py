"""`footfall certs`, looked at with openssl: who may be who, file modes, later nodes, mistakes."""
import os
import pathlib
import subprocess

import pytest

from footfall import run


def openssl(*words: str) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def checks(folder: pathlib.Path, name: str) -> str:
    """What openssl says of a node as server and as client; fails if it is not OK."""
    authority, node = str(folder / "ca.pem"), str(folder / f"{name}.pem")
    for purpose in ("sslserver", "sslclient"):
        told = openssl("verify", "-CAfile", authority, "-purpose", purpose, node)
        assert told.endswith(": OK\n"), told
    key = openssl("pkey", "-in", str(folder / f"{name}.key"), "-pubout")
    assert key == openssl("x509", "-in", node, "-noout", "-pubkey")
    return openssl("x509", "-in", node, "-noout", "-text")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "certs"


def test_an_authority_and_nodes_are_made(folder):
    done = run("certs", "--out", str(folder), "n1", "n2.example", "--host", "10.0.0.7",
               "--host", "n2.internal", "--host", "fd00::2", "--days", "30")
    assert done.returncode == 0, done
    assert sorted(contents(folder)) == ["ca.key", "ca.pem", "n1.key", "n1.pem", "n2.example.key",
                                        "n2.example.pem"]
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == (0o600 if path.suffix == ".key" else 0o644), path
        assert str(path) in done.stdout
    assert "ca.key stays here" in done.stdout and done.stderr == ""
    for name in ("n1", "n2.example"):
        assert (f"--node-name {name} \\\n    --cluster-ca {folder}/ca.pem --cluster-cert"
                f" {folder}/{name}.pem \\\n    --cluster-key {folder}/{name}.key\n") in done.stdout
    text = checks(folder, "n2.example")
    for name in ("DNS:n2.example", "DNS:localhost", "DNS:n2.internal", "IP Address:127.0.0.1",
                 "IP Address:10.0.0.7", "IP Address:FD00:0:0:0:0:0:0:2"):
        assert name in text, text
    assert "NIST CURVE: P-256" in text and "CA:FALSE" in text
    assert "DNS:n2.example" not in checks(folder, "n1")
    node = str(folder / "n1.pem")
    assert "will not expire" in openssl("x509", "-in", node, "-checkend", str(29 * 86400))
    done = subprocess.run(["openssl", "x509", "-in", node, "-noout", "-checkend",
                           str(31 * 86400)], capture_output=True, timeout=30)
    assert done.returncode == 1


def test_a_node_is_added_later(folder):
    assert run("certs", "--out", str(folder), "n1").returncode == 0
    before = contents(folder)
    done = run("certs", "--out", str(folder), "n2")
    assert done.returncode == 0 and "used" in done.stdout, done
    checks(folder, "n2")
    after = contents(folder)
    assert {name: after[name] for name in before} == before


def test_nothing_is_overwritten_without_force(folder):
    assert run("certs", "--out", str(folder), "n1").returncode == 0
    before = contents(folder)
    done = run("certs", "--out", str(folder), "n0", "n1")
    assert done.returncode == 1 and "n1.pem" in done.stderr and "--force" in done.stderr, done
    assert contents(folder) == before
    assert run("certs", "--out", str(folder), "n1", "--force").returncode == 0
    after = contents(folder)
    assert {name for name in after if after[name] != before.get(name)} == {"n1.pem", "n1.key"}
    checks(folder, "n1")


def test_the_authority_must_be_whole_and_able_to_sign(folder):
    assert run("certs", "--out", str(folder), "n1").returncode == 0
    key = folder / "ca.key"
    key.unlink()
    done = run("certs", "--out", str(folder), "n2")
    assert done.returncode == 1 and "ca.key is missing" in done.stderr, done
    key.write_bytes((folder / "n1.key").read_bytes())
    done = run("certs", "--out", str(folder), "n2")
    assert done.returncode == 1 and "key is of another certificate" in done.stderr, done
    key.write_text("nothing")
    done = run("certs", "--out", str(folder), "n2")
    assert done.returncode == 1 and "no PEM" in done.stderr, done
    # A node is no authority.
    (folder / "ca.pem").write_bytes((folder / "n1.pem").read_bytes())
    key.write_bytes((folder / "n1.key").read_bytes())
    done = run("certs", "--out", str(folder), "n2", "--force")
    assert done.returncode == 1 and "may not sign" in done.stderr, done
    assert not (folder / "n2.pem").exists()


def test_no_node_outlives_its_authority(tmp_path):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", str(tmp_path / "ca.key"), "-out", str(tmp_path / "ca.pem"), "-subj",
            "/CN=own", "-days", "5")
    assert run("certs", "--out", str(tmp_path), "n1").returncode == 0
    assert "DNS:n1" in checks(tmp_path, "n1")
    ends = [openssl("x509", "-in", str(tmp_path / name), "-noout", "-enddate")
            for name in ("ca.pem", "n1.pem")]
    assert ends[0] == ends[1]


@pytest.mark.parametrize("words, wanted", [
    (["no_name"], "no_name"),
    (["n-"], "n-"),
    (["a..b"], "a..b"),
    (["../n1"], "../n1"),
    (["n" * 64], "no host name"),
    (["10.0.0.256"], "10.0.0.256"),
    (["127.0.0.1"], "--host"),
    (["ca"], "authority's name"),
    (["n1", "n1"], "twice"),
    (["n1", "--host", "a,b"], "a,b"),
    (["n1", "--host", "DNS:x\ny"], "--host"),
    (["n1", "--days", "0"], "days"),
    ([], "names"),
], ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else "")
def test_usage_mistakes_end_with_2_and_make_nothing(folder, words, wanted):
    done = run("certs", "--out", str(folder), *words)
    assert done.returncode == 2, done
    assert wanted in done.stdout + done.stderr
    assert not folder.exists()


def test_the_folder_must_be_named_and_be_one(tmp_path):
    done = run("certs", "n1")
    assert done.returncode == 2 and "--out" in done.stderr, done
    file = tmp_path / "file"
    file.write_text("")
    done = run("certs", "--out", str(file / "below"), "n1")
    assert done.returncode == 1 and str(file / "below") in done.stderr, done
    # Root may write to any folder but those of the kernel.
    closed = tmp_path / "closed" if os.geteuid() != 0 else pathlib.Path("/proc/self")
    if os.geteuid() != 0:
        closed.mkdir(mode=0o500)
    done = run("certs", "--out", str(closed), "n1")
    assert done.returncode == 1 and str(closed) in done.stderr, done


def test_help_explains_the_command():
    done = run("certs", "--help")
    assert done.returncode == 0
    for word in ("--out", "--host", "--days", "--force", "ca.pem", "Exit codes"):
        assert word in done.stdout, done.stdout
