"""Under a store stands another log than was applied: restored, shorter, made anew, cut."""
import shutil
import sqlite3
import threading

import pytest

from footfall import Server, run, wait_until
from stopped import (await_total, click, command, copy_database, partitions, post, post_all,
                     refused, server_on_fixed_ports, settled, stopped, total)


@pytest.fixture
def node():
    with server_on_fixed_ports() as server:
        server.launch()
        server.await_ready()
        yield server


def stops_again(server: Server, kind: str) -> list[dict]:
    """What is stopped, the same after one more restart; what is posted there is refused."""
    rows = [x for x in settled(server) if x["state"] == "stopped"]
    assert rows, partitions(server)
    assert {x["stopped"] for x in rows} == {kind}
    assert server.admin.get("/readyz").status == 503
    server.kill9()
    server.launch()
    again = [x for x in settled(server) if x["state"] == "stopped"]
    assert [(x["partition"], x["reason"]) for x in again] \
        == [(x["partition"], x["reason"]) for x in rows]
    refused(server, rows[0])
    listed = command(server, "partitions")
    assert listed.returncode == 0
    assert rows[0]["reason"] in listed.stdout
    return rows


def goes_on_as_new(server: Server) -> None:
    """A new generation, by command, without a restart."""
    asked = command(server, "partitions", "--new-generation")
    assert asked.returncode == 2 and "--yes" in asked.stderr
    assert stopped(server)
    done = command(server, "partitions", "--new-generation", "--yes")
    assert done.returncode == 0, done.stderr
    server.await_ready()
    assert server.admin.get("/readyz").status == 200
    again = command(server, "partitions", "--new-generation", "--yes")
    assert again.returncode == 1 and "no partition is stopped" in again.stderr


def is_sound(server: Server, wanted: int) -> None:
    await_total(server, wanted)
    wait_until(lambda: all(x["next_offset"] == x["folded_offset"] for x in partitions(server)))
    assert server.audit()["ok"] is True
    server.restart()
    assert total(server) == wanted


def test_a_log_that_was_copied_before_its_store(node):
    post_all(node, range(300))
    await_total(node, 300)
    copies = node.folder / "copies"
    copy_database(node.data / "log.db", copies / "log.db")
    post_all(node, range(300, 600))
    await_total(node, 600)
    copy_database(node.data / "store.db", copies / "store.db")
    node.terminate()
    with server_on_fixed_ports(data=copies) as server:
        server.launch()
        rows = stops_again(server, "log_too_short")
        assert "--new-generation" in rows[0]["reason"]
        assert total(server) == 600
        goes_on_as_new(server)
        post_all(server, range(550, 700))
        is_sound(server, 700)


def test_a_log_that_grew_past_what_was_applied_from_another(node):
    post_all(node, range(200))
    await_total(node, 200)
    copies = node.folder / "copies"
    copy_database(node.data / "log.db", copies / "log.db")
    post_all(node, range(200, 400))
    await_total(node, 400)
    copy_database(node.data / "store.db", copies / "store.db")
    node.terminate()
    with server_on_fixed_ports("--accept-when-stopped", "on", data=copies) as server:
        server.launch()
        assert any(x["state"] == "stopped" for x in settled(server))
        post_all(server, range(1000, 2000))
        server.kill9()
        server.options = []
        server.launch()
        stops_again(server, "other_log")
        goes_on_as_new(server)
        is_sound(server, 1400)


@pytest.mark.parametrize("what", ["deleted", "without its WAL"])
def test_a_log_that_was_made_anew(node, what):
    post_all(node, range(300))
    await_total(node, 300)
    if what == "deleted":
        node.kill9()
        for file in node.data.glob("log.db*"):
            file.unlink()
    else:
        copies = node.folder / "copies"
        copy_database(node.data / "store.db", copies / "store.db")
        node.kill9()
        (copies / "log.db").write_bytes(b"")  # All of a small log may stand in its WAL.
        shutil.rmtree(node.data)
        copies.rename(node.data)
    node.launch()
    stops_again(node, "other_log")
    goes_on_as_new(node)
    post_all(node, range(250, 350))
    is_sound(node, 350)


def test_records_that_are_lost_are_skipped_by_command(node):
    post_all(node, range(400))
    await_total(node, 400)
    copies = node.folder / "copies"
    copy_database(node.data / "store.db", copies / "store.db")
    applied = {x["partition"]: x["next_offset"] for x in partitions(node)}
    for begin in range(400, 1200, 100):  # Several blocks in each partition.
        post_all(node, range(begin, begin + 100))
    await_total(node, 1200)
    ends = {x["partition"]: x["log_end"] for x in partitions(node)}
    node.terminate()
    shutil.copy(copies / "store.db", node.data / "store.db")
    with sqlite3.connect(node.data / "log.db") as log:
        firsts = {}
        for (key,) in log.execute("SELECT id FROM blocks WHERE id >> 48 = 1 ORDER BY id"):
            if key & (1 << 48) - 1 > applied[1] + 50:
                firsts[1] = key & (1 << 48) - 1
                break
        log.execute("DELETE FROM blocks WHERE id >> 48 = 1 AND id < ?", (1 << 48 | firsts[1],))
    log.close()
    lost = firsts[1] - applied[1]
    node.launch()
    rows = stops_again(node, "records_lost")
    assert [x["partition"] for x in rows] == [1]
    assert f"--partition 1 --skip-to {firsts[1]}" in rows[0]["reason"]

    def skip(to: int, *more: str):
        return command(node, "partitions", "--partition", "1", "--skip-to", str(to), *more)

    assert skip(firsts[1]).returncode == 2  # Nobody was asked.
    for wrong in (applied[1], firsts[1] - 1, ends[1] + 1):
        assert skip(wrong, "--yes").returncode == 2
    assert command(node, "partitions", "--partition", "0", "--skip-to", "5",
                   "--yes").returncode == 1  # It runs.
    assert partitions(node)[1]["next_offset"] == applied[1]
    done = skip(firsts[1], "--yes")
    assert done.returncode == 0, done.stderr
    node.await_ready()
    await_total(node, 1200 - lost)
    bad = node.admin.get("/admin/bad-events").json()["bad_events"]
    assert [x["position"] for x in bad] == [f"1:{applied[1]}"]
    assert f"records {applied[1]} to {firsts[1] - 1} ({lost})" in bad[0]["reason"]
    post_all(node, range(1200, 1300))
    is_sound(node, 1300 - lost)


def test_a_backup_under_load_has_all_that_was_acknowledged_before_it():
    """And its counts equal its log."""
    with server_on_fixed_ports() as server:
        server.launch()
        server.await_ready()
        done, going = [], threading.Event()

        def load(client, begin: int) -> None:
            number = begin
            while not going.is_set():
                batch = [click(x) for x in range(number, number + 50)]
                assert client.post("/v1/events", batch).status == 200
                done.extend(range(number, number + 50))
                number += 50

        clients = [threading.Thread(target=load, args=(server.client("ingest"), i * 10_000_000))
                   for i in range(4)]
        for x in clients:
            x.start()
        wait_until(lambda: len(done) > 2000, 30, "there is something to copy")
        before = set(done)
        backup = server.folder / "backup"
        copied = command(server, "backup", str(backup))
        after = len(done)
        going.set()
        for x in clients:
            x.join()
        assert copied.returncode == 0, copied.stderr
        assert after > len(before), "nothing was posted while the backup was made"
        assert sorted(x.name for x in backup.iterdir()) == ["backup.json", "log.db", "store.db"]
        again = command(server, "backup", str(backup))
        assert again.returncode == 2 and "not empty" in again.stderr

        target = server.folder / "restored"
        restored = run("restore", str(backup), "--data-dir", str(target))
        assert restored.returncode == 0, restored.stderr
        busy = run("restore", str(backup), "--data-dir", str(server.data), "--replace")
        assert busy.returncode == 1 and "in use" in busy.stderr
        full = run("restore", str(backup), "--data-dir", str(target))
        assert full.returncode == 1 and "--replace" in full.stderr
        with Server(data=target) as copy:
            wait_until(lambda: all(x["lag"] == 0 for x in partitions(copy)), 30)
            wait_until(lambda: all(x["next_offset"] == x["folded_offset"]
                                   for x in partitions(copy)))
            logged = sum(x["log_end"] for x in partitions(copy))
            with sqlite3.connect(target / "store.db") as store:
                ids = {int(x.split("-")[1]) for (x,) in
                       store.execute("SELECT event_id FROM click_events")}
            store.close()
            assert before <= ids
            assert len(ids) == logged == total(copy)
            assert ids <= set(done) | {x for x in ids if x not in before}
            assert copy.audit()["ok"] is True
            post_all(copy, range(100_000_000, 100_000_100))
            await_total(copy, logged + 100)
        replaced = run("restore", str(backup), "--data-dir", str(target), "--replace")
        assert replaced.returncode == 0, replaced.stderr
        with Server(data=target) as copy:
            wait_until(lambda: all(x["lag"] == 0 for x in partitions(copy)), 30)
            await_total(copy, logged)


def test_a_backup_that_is_not_whole_is_refused(node):
    post_all(node, range(200))
    await_total(node, 200)
    backup = node.folder / "backup"
    assert command(node, "backup", str(backup)).returncode == 0
    post_all(node, range(200, 400))
    await_total(node, 400)

    def restore_of(change) -> str:
        copy = node.folder / "changed"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(backup, copy)
        change(copy)
        target = node.folder / "target"
        done = run("restore", str(copy), "--data-dir", str(target))
        assert done.returncode == 1, done.stdout
        assert not (target / "log.db").exists() and not (target / "store.db").exists()
        assert not (target / "restoring").exists()
        return done.stderr

    def damage(folder) -> None:
        with open(folder / "log.db", "r+b") as file:
            file.seek(-3000, 2)
            file.write(b"\xff" * 2000)

    assert "no finished backup" in restore_of(lambda x: (x / "backup.json").unlink())
    assert "log.db" in restore_of(lambda x: (x / "log.db").unlink())
    assert "not whole" in restore_of(damage)
    later = node.folder / "later"
    assert command(node, "backup", str(later)).returncode == 0
    mixed = restore_of(lambda x: shutil.copy(later / "store.db", x / "store.db"))
    assert "not copied at one moment" in mixed
    assert restore_of(lambda x: (x / "store.db").write_bytes(b""))


def test_a_backup_of_a_folder_that_no_node_uses(node):
    post_all(node, range(100))
    await_total(node, 100)
    node.kill9()
    unreachable = command(node, "backup", str(node.folder / "none"))
    assert unreachable.returncode == 3 and "--data-dir" in unreachable.stderr
    backup = node.folder / "backup"
    done = run("backup", str(backup), "--data-dir", str(node.data))
    assert done.returncode == 0, done.stderr
    target = node.folder / "target"
    assert run("restore", str(backup), "--data-dir", str(target)).returncode == 0
    with Server(data=target) as copy:
        await_total(copy, 100)
    assert run("backup", str(node.folder / "none"),
               "--data-dir", str(node.folder / "nowhere")).returncode == 2


def test_what_is_refused_while_one_partition_is_stopped(node):
    """The others go on, in one batch with what is refused."""
    post_all(node, range(200))
    await_total(node, 200)
    copies = node.folder / "copies"
    copy_database(node.data / "log.db", copies / "log.db")
    post_all(node, [200])
    await_total(node, 201)
    copy_database(node.data / "store.db", copies / "store.db")
    node.terminate()
    with server_on_fixed_ports(data=copies) as server:
        server.launch()
        rows = [x for x in settled(server) if x["state"] == "stopped"]
        assert len(rows) == 1
        outcomes = post(server, range(1000, 1040))
        assert set(outcomes.values()) == {"accepted", "rejected"}
        accepted = sum(x == "accepted" for x in outcomes.values())
        await_total(server, 201 + accepted)
