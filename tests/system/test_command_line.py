"""Options, --help, --version and refusals of the real program; nothing starts here."""
import pytest

from footfall import run


def test_version_is_printed():
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("footfall ") and done.stdout.strip()[9:].count(".") == 2


def test_help_lists_every_option_with_its_variable():
    done = run("serve", "--help")
    assert done.returncode == 0
    for name, variable in [("--data-dir", "FOOTFALL_DATA_DIR"), ("--bind", "FOOTFALL_BIND"),
                           ("--ingest-port", "FOOTFALL_INGEST_PORT"),
                           ("--query-port", "FOOTFALL_QUERY_PORT"),
                           ("--grpc-port", "FOOTFALL_GRPC_PORT"),
                           ("--admin-port", "FOOTFALL_ADMIN_PORT"),
                           ("--ready-file", "FOOTFALL_READY_FILE"),
                           ("--partitions", "FOOTFALL_PARTITIONS"),
                           ("--kafka-broker", "KAFKA_BROKER"), ("--kafka-topic", "KAFKA_TOPIC"),
                           ("--database-url", "DATABASE_URL"), ("--redis-addr", "REDIS_ADDR"),
                           ("--redis-host", "REDIS_HOST"), ("--redis-port", "REDIS_PORT")]:
        lines = [line for line in done.stdout.splitlines() if line.strip().startswith(name + " ")]
        assert len(lines) == 1 and lines[0].endswith(f"{variable}]"), name


def test_print_config_says_where_each_value_came_from(tmp_path):
    config = tmp_path / "footfall.conf"
    config.write_text("partitions = 7\nbind = 10.0.0.1\n")
    done = run("serve", "--print-config", "--config", str(config), "--query-port", "0",
               environment={"DATABASE_URL": "postgresql://me:secret@127.0.0.1/x"})
    assert done.returncode == 0, done.stderr
    values = {}
    for line in done.stdout.splitlines():
        setting, source = line.split(" # ")
        name, value = setting.split("=", 1)
        values[name.strip()] = (value.strip(), source)
    assert values["partitions"] == ("7", f"{config}:1")
    assert values["bind"] == ("10.0.0.1", f"{config}:2")
    assert values["query-port"] == ("0", "flag --query-port")
    assert values["kafka-topic"] == ("clicks", "default")
    assert values["database-url"] == ("postgresql://me:***@127.0.0.1/x", "environment DATABASE_URL")
    assert "secret" not in done.stdout + done.stderr


def test_variables_that_set_nothing_are_told():
    done = run("serve", "--print-config", environment={
        "KAFKA_BROKERS": "h:1", "REDIS_PORT": "tcp://10.0.0.1:6379",
        "REDIS_SERVICE_HOST": "10.0.0.1", "FOOTFALL_QUERY_PORT": "tcp://10.0.0.1:1"})
    assert done.returncode == 0, done.stderr
    assert "KAFKA_BROKERS is not known and sets nothing; did you mean KAFKA_BROKER?" in done.stderr
    assert "REDIS_PORT" in done.stderr and "REDIS_SERVICE_HOST" in done.stderr
    assert "10.0.0.1" not in done.stdout + done.stderr
    assert "redis-addr = " in done.stdout and "query-port = 8081" in done.stdout


COMMANDS = [(["import", "-"], "INGEST"), (["stats"], "QUERY"), (["actors"], "ADMIN"),
            (["audit"], "ADMIN"), (["bad-events"], "ADMIN"), (["partitions"], "ADMIN"),
            (["cluster"], "ADMIN"), (["backup", "never-made"], "ADMIN")]


@pytest.mark.parametrize("command, listener", COMMANDS,
                         ids=[command[0] for command, _ in COMMANDS])
def test_client_commands_read_a_port_as_serve_does(command, listener):
    """Kubernetes sets FOOTFALL_INGEST_PORT=tcp://... for a service called footfall-ingest."""
    variable = f"FOOTFALL_{listener}_PORT"
    told = run(*command, "--help", environment={variable: "tcp://10.0.0.1:8080"})
    assert told.returncode == 0
    assert f"http://127.0.0.1:{dict(INGEST=8080, QUERY=8081, ADMIN=8082)[listener]}" in told.stdout
    for value, reason in (("80x0", "whole number from 0 to 65535"), ("0", "any free port")):
        done = run(*command, environment={variable: value})
        assert done.returncode == 2 and done.stdout == "", done
        assert variable in done.stderr and reason in done.stderr, done.stderr
        assert run(*command, "--help", environment={variable: value}).returncode == 0
        # Who says where the node is, or needs none, needs no port.
        flag = "--to" if listener == "INGEST" else "--url"
        done = run(*command, flag, "http://127.0.0.1:1", environment={variable: value},
                   stdin='{"user_id":"ada","event_type":"click","page_url":"/"}\n')
        assert done.returncode == 3 and "cannot reach" in done.stderr, done
    done = run("backup", "never-made", "--data-dir", "none", environment={variable: "80x0"})
    assert "none has no store.db" in done.stderr, done


@pytest.mark.parametrize("arguments, wanted", [
    (["serve", "--partitions", "0"], "1 to 1024"),
    (["serve", "--ingest-port", "70000"], "0 to 65535"),
    (["serve", "--log-format", "xml"], "text json"),
    (["serve", "--no-such-option"], "--no-such-option"),
    (["serve", "--config", "no/such/file"], "no/such/file"),
    (["no-such-command"], "subcommand"),
    ([], "subcommand"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_usage_mistakes_end_with_2_and_say_what(arguments, wanted):
    done = run(*arguments)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert done.stdout == ""
