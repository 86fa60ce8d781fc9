"""A command runs beside two servers of its own, and nothing of them is left."""

import json
import os
import signal
from typing import IO, Any

from retailhub.local.reaper import alive
from tests.local.checkout import Checkout, eventually

# Prints who the two servers are, as only they can say.
IDENTIFY = """
import json, os, psycopg, redis, signal, sys, time
from pathlib import Path
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    data, fsync = connection.execute(
        "SELECT current_setting('data_directory'), current_setting('fsync')"
    ).fetchone()
postgres = int((Path(data) / "postmaster.pid").read_text().split()[0])
valkey = redis.from_url(os.environ["REDIS_URL"]).info("server")["process_id"]
print(json.dumps({"data": data, "fsync": fsync, "pids": [postgres, valkey]}), flush=True)
"""
KILL_BOTH_AND_WAIT = """
for pid in (postgres, valkey):
    os.kill(pid, signal.SIGKILL)
killed_at = time.monotonic()
while True:
    try:
        psycopg.connect(os.environ["DATABASE_URL"]).close()
        redis.from_url(os.environ["REDIS_URL"]).ping()
        break
    except (psycopg.OperationalError, redis.exceptions.ConnectionError):
        time.sleep(0.05)
print(time.monotonic() - killed_at)
"""
REMEMBER = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
"""
RECALL = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    print(connection.execute("SELECT answer FROM kept").fetchone())
"""


def facts(output: IO[str] | None) -> dict[str, Any]:
    assert output is not None
    told: dict[str, Any] = json.loads(output.readline())
    return told


def test_ends_as_its_command_ends_and_leaves_nothing(checkout: Checkout) -> None:
    with checkout.start(
        "exec", "--ephemeral", "--", *checkout.python(f"{IDENTIFY}\nsys.exit(3)")
    ) as run:
        servers = facts(run.stdout)

    assert run.returncode == 3
    assert not any(alive(pid) for pid in servers["pids"])
    assert not os.path.exists(servers["data"])
    assert not (checkout.root / ".data").exists()


def test_two_at_once_never_meet_and_one_can_ask_for_durable_writes(checkout: Checkout) -> None:
    command = ("--", *checkout.python(IDENTIFY))
    with (
        checkout.start("exec", "--ephemeral", *command) as careless,
        checkout.start("exec", "--ephemeral", "--durable", *command) as durable,
    ):
        one, other = facts(careless.stdout), facts(durable.stdout)

    assert one["data"] != other["data"]
    assert (one["fsync"], other["fsync"]) == ("off", "on")


def test_brings_both_servers_back_when_they_are_killed(checkout: Checkout) -> None:
    script = f"{IDENTIFY}{KILL_BOTH_AND_WAIT}"

    done = checkout.call("exec", "--ephemeral", "--", *checkout.python(script))

    assert done.returncode == 0, done.stdout
    assert float(done.stdout.splitlines()[-1]) < 30


def test_is_cleaned_up_after_when_it_is_killed(checkout: Checkout) -> None:
    script = f"{IDENTIFY}\nprint(os.getpid(), flush=True)\ntime.sleep(1000)"
    with checkout.start("exec", "--ephemeral", "--", *checkout.python(script)) as run:
        servers = facts(run.stdout)
        assert run.stdout is not None
        command = int(run.stdout.readline())
        run.kill()

    assert eventually(lambda: not any(alive(pid) for pid in [command, *servers["pids"]]))
    assert eventually(lambda: not os.path.exists(servers["data"]))


def test_passes_on_that_it_was_asked_to_stop(checkout: Checkout) -> None:
    checkout.environment.update(
        DATABASE_URL="postgresql://elsewhere", REDIS_URL="redis://elsewhere"
    )
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(1000)"
    with checkout.start("exec", "--ephemeral", "--", *checkout.python(script)) as run:
        assert run.stdout is not None
        command = int(run.stdout.readline())
        run.terminate()

    assert run.returncode == 128 + signal.SIGTERM
    assert not alive(command)


def test_keeps_its_data_and_lets_a_second_command_join(checkout: Checkout) -> None:
    checkout.call("exec", "--", *checkout.python(REMEMBER))
    # The number of a server that is gone may be anyone's by now; here it is ours.
    cluster = next((checkout.root / ".data" / "postgres").resolve().iterdir())
    (cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster}\n")

    with checkout.start("exec", "--", *checkout.python(f"{IDENTIFY}\ntime.sleep(1000)")) as first:
        facts(first.stdout)
        joined = checkout.call("exec", "--", *checkout.python(RECALL))
        refused = checkout.call("run")
        first.terminate()

    assert joined.stdout == "(42,)\n"
    assert refused.returncode == 1
    assert f"already runs here (process {first.pid})" in refused.stdout


def test_says_what_is_missing(checkout: Checkout) -> None:
    checkout.environment["RETAILHUB_PG_BIN"] = str(checkout.root)

    done = checkout.call("exec", "--ephemeral", "--", "true")

    assert done.returncode == 1
    assert done.stdout.startswith(f"retailhub: {checkout.root} holds no PostgreSQL that runs here")
