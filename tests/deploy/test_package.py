"""The packages, installed to purged, under real systemd; unproven: other systems than Debian 12."""
from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import subprocess

import pytest

from footfall import BINARY, ROOT, wait_until
from machine import Machine, run

NEXT = "+upgrade1"
DATA = "var/lib/footfall"


def package(out: pathlib.Path, *options: str) -> pathlib.Path:
    run(ROOT / "scripts/package", "--out", out, *options, timeout=900,
        env={**os.environ, "FOOTFALL_BINARY": BINARY, "SOURCE_DATE_EPOCH": "1790000000"})
    return next(out.glob("footfall_*.deb"))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> pathlib.Path:
    return package(tmp_path_factory.mktemp("package"))


@pytest.fixture
def machine(built):
    with Machine() as it:
        it.fetch(built)
        it.boot()
        yield it


def test_the_same_program_gives_the_same_bytes(built, tmp_path):
    again = package(tmp_path / "again")
    sums = built.with_name("SHA256SUMS").read_text()
    assert again.with_name("SHA256SUMS").read_text() == sums
    assert len(sums.splitlines()) == 3, sums
    for line in sums.splitlines():
        expected, name = line.split()
        assert hashlib.sha256(built.with_name(name).read_bytes()).hexdigest() == expected


def test_manual_and_settings_say_what_the_program_takes(built, tmp_path):
    run("dpkg-deb", "-x", built, tmp_path)
    manual = run("man", "-l", tmp_path / "usr/share/man/man1/footfall.1.gz",
                 env={"PATH": os.environ["PATH"], "MANWIDTH": "500", "LC_ALL": "C.UTF-8"}).stdout
    manual = manual.replace("\u2010", "-")
    top = run(BINARY, "--help").stdout
    commands = re.findall(r"^  ([a-z-]+) ", top.partition("Subcommands:")[2], re.M)
    assert len(commands) > 9
    for command in commands:
        assert f"FOOTFALL {command.upper()}" in manual
        for flag in re.findall(r"^  (?:-\w,)?(--[a-z-]+)", run(BINARY, command, "--help").stdout,
                               re.M):
            assert re.search(rf"{flag}\b", manual), f"footfall {command} {flag}"
    settings = (tmp_path / "etc/default/footfall").read_text()
    given = dict(re.findall(r"^#([A-Z_]+)=(.*)$", settings, re.M))
    assert len(given) > 10
    shown = subprocess.run([BINARY, "serve", "--print-config"], env=given, text=True,
                           capture_output=True, check=True)
    assert shown.stderr == "", shown.stderr
    assert shown.stdout.count("environment") == len(given), shown.stdout


def events(name: str, count: int) -> str:
    return "".join(json.dumps({"event_id": f"{name}-{i}", "user_id": f"user-{i % 7}",
                               "event_type": "click", "page_url": "/package"}) + "\n"
                   for i in range(count))


def counts(machine: Machine, expected: int) -> None:
    """All of them, none twice, and the aggregates are what the events add up to."""
    def count() -> int:
        done = machine.ask("footfall", "stats", "page", "/package", "--json")
        return json.loads(done.stdout)["clicks"] if done.returncode == 0 else -1
    wait_until(lambda: count() >= expected, 60, lambda: f"{count()} of {expected}")
    machine("footfall", "audit")
    assert count() == expected


def service(machine: Machine, name: str) -> str:
    return machine("systemctl", "show", "--property", name, "--value", "footfall").strip()


def install(machine: Machine, file: pathlib.Path) -> None:
    machine("apt-get", "-q", "-y", "--no-install-recommends", "install", f"/srv/{file.name}")
    is_sound(machine)
    wait_until(lambda: machine.ask("footfall", "stats").returncode == 0, 60,
               lambda: machine("journalctl", "-u", "footfall", "--no-pager"))


def is_sound(machine: Machine) -> None:
    machine("apt-get", "check")
    assert machine("dpkg", "--audit") == ""
    assert machine.ask("systemctl", "--failed", "--no-legend").stdout == ""


def test_it_lives_in_a_debian_until_it_is_purged(machine, built, tmp_path):
    install(machine, built)
    machine("footfall", "import", "-", input=events("first", 5000))
    counts(machine, 5000)
    is_in_its_sandbox(machine)
    comes_back_after_kill9(machine)
    refuses_a_wrong_setting_once(machine)
    is_handed_a_secret_that_root_alone_can_read(machine)
    upgraded = package(tmp_path / "next", "--version", built.name.split("_")[1] + NEXT)
    is_upgraded_under_load(machine, upgraded)
    stops_in_order(machine)

    machine("apt-get", "-q", "-y", "remove", "footfall")
    is_sound(machine)
    assert processes(machine) == []
    assert (machine.root / DATA / "log.db").is_file()
    install(machine, upgraded)
    counts(machine, 15000)

    machine("apt-get", "-q", "-y", "purge", "footfall")
    is_sound(machine)
    left = machine("find", "/", "-xdev", "-name", "*footfall*", "-not", "-path", "/srv/*",
                   "-not", "-path", "/var/cache/apt/*")
    assert left == "", left
    assert "footfall:" in (machine.root / "etc/passwd").read_text()  # As documented.


def processes(machine: Machine) -> list[str]:
    return [line for line in machine("sh", "-c", "cat /proc/[0-9]*/comm || true").splitlines()
            if line == "footfall"]


def is_in_its_sandbox(machine: Machine) -> None:
    assert len(processes(machine)) == 1
    pid = service(machine, "MainPID")
    status = dict(re.findall(r"^(\w+):\s*(.*)$", machine("cat", f"/proc/{pid}/status"), re.M))
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert {status[name] for name in ("CapBnd", "CapEff", "CapPrm", "CapAmb")} == {"0" * 16}
    assert status["Uid"].split()[0] == machine("id", "-u", "footfall").strip() != "0"
    mounts = [line.split() for line in
              machine("cat", f"/proc/{pid}/mountinfo").splitlines()]
    writable = {fields[4] for fields in mounts if "rw" in fields[5].split(",")}
    # Last what is mounted over it; nothing but its data, its own /tmp and what is no file.
    expected = {f"/{DATA}", "/tmp", "/var/tmp"}
    assert expected <= writable, writable
    rest = {x for x in writable - expected if not x.startswith(("/dev", "/proc", "/run", "/sys"))}
    assert rest == set(), rest
    data = machine.root / DATA
    assert oct(data.stat().st_mode & 0o777) == "0o750"
    assert {oct(file.stat().st_mode & 0o077) for file in data.iterdir()} == {"0o0"}


def comes_back_after_kill9(machine: Machine) -> None:
    before = service(machine, "MainPID")
    machine("systemctl", "kill", "--signal=KILL", "footfall")
    wait_until(lambda: service(machine, "MainPID") not in ("0", before), 60)
    counts(machine, 5000)


def refuses_a_wrong_setting_once(machine: Machine) -> None:
    settings = machine.root / "etc/default/footfall"
    as_it_was = settings.read_text()
    settings.write_text(as_it_was + "FOOTFALL_INGEST_PORT=many\n")
    machine("systemctl", "restart", "--no-block", "footfall")
    wait_until(lambda: service(machine, "ActiveState") == "failed", 60)
    assert (service(machine, "ExecMainStatus"), service(machine, "Result")) == ("2", "exit-code")
    assert service(machine, "SubState") == "failed"  # Not auto-restart.
    assert "FOOTFALL_INGEST_PORT" in machine("journalctl", "-u", "footfall", "-n", "5")
    # What an administrator changes stays, through upgrades too.
    settings.write_text(as_it_was + "FOOTFALL_LOG_FORMAT=json\n")
    machine("systemctl", "reset-failed", "footfall")
    machine("systemctl", "start", "footfall")
    counts(machine, 5000)


def is_handed_a_secret_that_root_alone_can_read(machine: Machine) -> None:
    secret = machine.root / "etc/footfall/database-url"
    secret.parent.mkdir()
    secret.touch(mode=0o600)
    secret.write_text("postgres://footfall:canary@127.0.0.1:1/clicks")
    extra = machine.root / "etc/systemd/system/footfall.service.d/override.conf"
    extra.parent.mkdir()
    # The documented block.
    guide = (ROOT / "docs/deployment.md").read_text()
    extra.write_text(guide.partition("```text\n[Service]")[2].partition("```")[0]
                     .join(("[Service]", "")))
    machine("systemctl", "daemon-reload")
    machine("systemctl", "restart", "footfall")
    told: list[str] = []
    wait_until(lambda: told.append(machine("journalctl", "-u", "footfall", "-n", "20"))
               or "not ready yet" in told[-1] and "the store" in told[-1], 60, lambda: told[-1])
    assert "canary" not in told[-1]
    for folder in (secret.parent, extra.parent):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    machine("systemctl", "daemon-reload")
    machine("systemctl", "restart", "footfall")
    counts(machine, 5000)


def is_upgraded_under_load(machine: Machine, file: pathlib.Path) -> None:
    (machine.root / "srv" / file.name).write_bytes(file.read_bytes())
    before = service(machine, "MainPID")
    feeder = subprocess.Popen(machine.inside("footfall", "import", "-"), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    try:
        lines = events("upgrade", 10000).splitlines(keepends=True)
        feeder.stdin.writelines(lines[:5000])
        feeder.stdin.flush()
        install(machine, file)
        feeder.stdin.writelines(lines[5000:])
        out, err = feeder.communicate(timeout=120)
        assert feeder.returncode == 0, out + err
    finally:
        feeder.kill()
        feeder.wait()
    assert service(machine, "MainPID") not in ("0", before)
    assert NEXT in machine("dpkg-query", "-W", "-f", "${Version}", "footfall")
    assert "LOG_FORMAT=json" in (machine.root / "etc/default/footfall").read_text()
    counts(machine, 15000)


def stops_in_order(machine: Machine) -> None:
    machine("systemctl", "stop", "footfall")
    assert service(machine, "ExecMainStatus") == "0" and service(machine, "Result") == "success"
    assert "ended" in machine("journalctl", "-u", "footfall", "-n", "5", "-o", "cat")


def test_the_tarball_runs_where_nothing_else_is_installed(built):
    tarball = next(built.parent.glob("*.tar.gz"))
    with Machine() as bare:
        run("tar", "-C", bare.root / "srv", "-xf", tarball)
        program = "/srv/" + tarball.name.removesuffix(".tar.gz") + "/bin/footfall"
        missing = bare.chroot("ldd", program)
        assert "not found" not in missing and "/srv/" in missing, missing
        unit = bare.root / "etc/systemd/system/footfall.service"
        ours = bare.root / program[1:].replace("bin/footfall", "systemd/footfall.service")
        unit.write_text(ours.read_text().replace("/usr/bin/footfall", program))
        bare.boot()
        bare("useradd", "--system", "footfall")
        bare("systemctl", "start", "footfall")
        bare("ln", "-s", program, "/usr/bin/footfall")
        wait_until(lambda: bare.ask("footfall", "stats").returncode == 0, 60,
                   lambda: bare("journalctl", "-u", "footfall", "--no-pager"))
        bare("footfall", "import", "-", input=events("tar", 100))
        counts(bare, 100)
        stops_in_order(bare)
