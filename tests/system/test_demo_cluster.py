"""`make demo-cluster`, as anyone calls it: what it shows, that it notices what does not match,
and that nothing of it is left."""
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess

import pytest

from footfall import BINARY, PATIENCE, ROOT, run, wait_until

OF_OTHERS = ("KAFKA_", "REDIS_", "DATABASE_URL", "MAKE", "MFLAGS", "ARGS")
LOST_LINE = 17


class Demo:
    """`make demo-cluster` in a session of its own, and what it has printed so far."""

    def __init__(self, folder: pathlib.Path, options: str = "", binary: str = BINARY):
        self.output = folder / "output"
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(OF_OTHERS)}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["make", "demo-cluster", f"ARGS={options}"], cwd=ROOT, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**environment, "FOOTFALL_BINARY": binary})

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def await_text(self, text: str) -> None:
        wait_until(lambda: text in self.text() or self.process.poll() is not None, 300,
                   lambda: f"{text!r} stands in\n{self.text()}")
        assert text in self.text(), self.text()

    def end(self) -> int:
        return self.process.wait(300 * PATIENCE)

    def interrupt(self) -> int:
        """Ctrl-C, which a terminal sends to all of them."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def ports(self) -> set[int]:
        """Of all servers that it has named."""
        return {int(x) for x in re.findall(r"(?:127\.0\.0\.1:| on port )(\d+)", self.text())}

    def left(self) -> list[str]:
        """What still runs or stands there."""
        out = [f"port {port}" for port in self.ports() if is_open(port)]
        out += [f"process {x.name}" for x in pathlib.Path("/proc").glob("[0-9]*")
                if f"{ROOT}/build/demo.".encode() in command_of(x)]
        return out + [str(x) for x in (ROOT / "build").glob("demo.*")]

    def __enter__(self) -> "Demo":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(120)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def command_of(process: pathlib.Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def figures(text: str) -> dict[str, list[str]]:
    """The rows of its tables: a name of one word, and what follows."""
    return {words[0]: words[1:] for words in map(str.split, text.splitlines()) if words}


def test_it_shows_three_nodes_a_kill_and_that_nothing_is_lost(tmp_path):
    with Demo(tmp_path) as demo:
        assert demo.end() == 0, demo.text()
        text = demo.text()
        told = figures(text[text.index("ledger:"):])
        for name, wanted in (("sent", "10,000"), ("acknowledged", "10,000"),
                             ("counted", "10,000"), ("lost", "0"), ("twice", "0"),
                             ("audit", "ok")):
            assert told[name] == [wanted, "ok"], text
        assert re.search(r"^  takeover +\d+\.\d\d s  ok$", text, re.MULTILINE), text
        assert re.search(r"kill -9 of n3, process \d+, which has partition \d", text), text
        sent = re.findall(r"sent +([\d,]+) +counted", text[:text.index("kill -9 of n3")])
        assert sent and int(sent[-1].replace(",", "")) < 10_000, "it was killed before the end"
        assert "10,000 acknowledged, 0 new  ok" in text
        known = text[text.index("known figures"):text.index("ledger:")].splitlines()[1:]
        rows = [line for line in known if line.strip()]
        assert len(rows) == 8 and all("  ok  " in line for line in rows), text
        assert sum("n2 (" in line for line in rows) == 4, "the others are asked of the store"
        assert "All of it matches" in text and "WRONG" not in text
        shown = text[text.index("Three nodes with"):].splitlines()
        assert max(map(len, shown)) <= 80, [line for line in shown if len(line) > 80]
        assert len(demo.ports()) >= 12 and demo.left() == []


def test_it_notices_a_line_that_is_lost(tmp_path):
    """By a program whose import leaves out a line."""
    forgets = tmp_path / "footfall"
    forgets.write_text(f"""#!/bin/bash
[[ $1 == import && $2 == - ]] || exec {BINARY} "$@"
sed {LOST_LINE}d | {BINARY} "$@"
""")
    forgets.chmod(forgets.stat().st_mode | stat.S_IXUSR)
    with Demo(tmp_path, binary=str(forgets)) as demo:
        assert demo.end() != 0, demo.text()
        told = figures(demo.text()[demo.text().index("ledger:"):])
        assert told["acknowledged"] == ["9,999", "WRONG"], demo.text()
        assert told["lost"] == ["1", "WRONG"] and told["twice"] == ["0", "ok"], demo.text()
        assert "FAILED" in demo.text() and "All of it matches" not in demo.text()
        assert demo.left() == []


def test_keep_leaves_it_running_until_ctrl_c(tmp_path):
    with Demo(tmp_path, "--keep") as demo:
        demo.await_text("It runs until Ctrl-C")
        demo.await_text("stats top-pages")
        kept = demo.text()[demo.text().index("It runs until Ctrl-C"):]
        assert len(re.findall(r"^  n\d  ingest", kept, re.MULTILINE)) == 3, kept
        for line in re.findall(r"^  \S*footfall (stats .*)$", kept, re.MULTILINE):
            assert run(*line.split()).returncode == 0, line
        demo.interrupt()
        assert "All of it matches" in demo.text() and demo.left() == []


def test_ctrl_c_in_the_middle_ends_all_of_it(tmp_path):
    with Demo(tmp_path) as demo:
        demo.await_text("counted ")
        assert demo.interrupt() != 0
        assert "All of it matches" not in demo.text() and demo.left() == []


@pytest.mark.parametrize("options, code", [("--help", 0), ("--nonsense", 2), ("--log none", 1)])
def test_what_is_said_without_starting_anything(options, code):
    done = subprocess.run([ROOT / "scripts/demo-cluster", *options.split()], cwd=ROOT,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == code, done
    assert ("--keep" in done.stdout + done.stderr) == (code != 1), done
