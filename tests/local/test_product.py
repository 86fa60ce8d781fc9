"""The product is kept whole while it runs, and is gone entirely afterwards."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from retailhub.local.product import SANDBOX, Ports, processes, sandbox_ports, web_address
from retailhub.local.programs import Unusable
from retailhub.local.reaper import alive
from tests.local.checkout import Checkout, eventually


@pytest.fixture
def light(checkout: Checkout) -> Checkout:
    """A product whose servers are someone else's: none has to be started for it."""
    named = {"DATABASE_URL": "postgresql://elsewhere", "REDIS_URL": "redis://elsewhere"}
    checkout.environment.update(named)
    return checkout


@contextmanager
def running(checkout: Checkout) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The process, where its web answers, and what it said until it was ready."""
    with checkout.start("run") as run:
        assert run.stdout is not None
        said = ""
        while "Ctrl-C stops it." not in said:
            line = run.stdout.readline()
            assert line, said
            said += line
        found = re.search(r"is ready: (\S+)", said)
        assert found
        assert eventually(lambda: len(workers(checkout)) >= 2)
        try:
            yield run, found[1], said
        finally:
            run.terminate()


def who_answers(url: str) -> int:
    """The number of the web process; 0 while nobody answers."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return int(answer.read())
    except OSError:
        return 0


def workers(checkout: Checkout) -> list[int]:
    """Every worker so far, each followed by its child."""
    told = checkout.root / "pids"
    return [int(pid) for pid in told.read_text().split()] if told.exists() else []


def test_shows_the_sign_ins_when_it_answers_and_ends_entirely(light: Checkout) -> None:
    with running(light) as (run, url, said):
        everyone = [who_answers(url), *workers(light)]
        refused = light.call("run")

    assert "Sign in as Ada, with the password: lovelace" in said
    assert refused.returncode == 1
    assert f"RetailHub already runs here at {url} (process {run.pid})" in refused.stdout
    assert run.returncode == 0
    assert len(everyone) == 3
    assert not any(alive(pid) for pid in everyone)


def test_is_whole_again_after_its_processes_were_killed(light: Checkout) -> None:
    with running(light) as (_, url, _):
        web, (worker, child) = who_answers(url), workers(light)

        os.kill(web, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)

        assert eventually(lambda: who_answers(url) not in {0, web})
        assert eventually(lambda: len(workers(light)) == 4)
        assert not alive(child)


def test_can_be_started_again_after_it_was_killed(checkout: Checkout) -> None:
    with running(checkout) as (run, url, _):
        everyone = [who_answers(url), *workers(checkout)]
        run.kill()

    with running(checkout) as (_, url, _):
        assert who_answers(url)
        assert not any(alive(pid) for pid in everyone)


def test_leaves_with_its_parent_when_told_to(light: Checkout) -> None:
    # The shell stands for make, which someone may kill.
    python = shlex.quote(sys.executable)
    shell = f"{python} -m retailhub.local run --leave-with-parent; true"
    with subprocess.Popen(
        ["/bin/sh", "-c", shell],
        cwd=light.root,
        env=light.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as parent:
        assert eventually(lambda: len(workers(light)) == 2)
        parent.kill()

    assert eventually(lambda: not any(alive(pid) for pid in workers(light)))


def test_gives_up_on_what_cannot_live(light: Checkout) -> None:
    (light.root / "manage.py").write_text("raise SystemExit('no such table')")

    done = light.call("run")

    assert done.returncode == 1
    assert "no such table" in done.stdout


def test_reads_a_procfile() -> None:
    text = "# how we start\nweb: serve --port $PORT\n\nworker:  work -Q a:b\n"

    assert list(processes(text)) == [("web", "serve --port $PORT"), ("worker", "work -Q a:b")]


@pytest.fixture
def ports() -> Iterator[Ports]:
    made = Ports()
    yield made
    made.release()


def test_takes_the_next_port_when_one_is_taken(ports: Ports) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        address = web_address({"PORT": str(port)}, ports)

    assert address.port > port
    assert str(address) == f"http://127.0.0.1:{address.port}"


def test_two_that_start_together_never_choose_the_same_port(ports: Ports) -> None:
    wanted = dict.fromkeys(SANDBOX, "18840")

    chosen = sandbox_ports(wanted, ports)

    assert chosen.keys() == SANDBOX.keys()
    assert len(set(chosen.values())) == len(SANDBOX)


def test_says_when_no_port_is_free(ports: Ports) -> None:
    with pytest.raises(Unusable, match=r"Ports 8000 to 8019 of 192\.0\.2\.1 are all taken"):
        web_address({"HOST": "192.0.2.1"}, ports)  # an address no machine has
