"""A checkout in miniature: the starter itself, with a product that starts in no time."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import retailhub.local

MANAGE = """
import sys
if sys.argv[1] == "demo":
    print("Sign in as Ada, with the password: lovelace")
"""
WEB = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass

http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""
PROCFILE = """
web: python web.py $HOST $PORT
# A worker whose child must not outlive it.
worker: sh -c 'echo $$ >> pids; sleep 1000 & echo $! >> pids; wait'
"""


@dataclass(frozen=True)
class Checkout:
    """Somewhere on disk with a starter in it."""

    root: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """The starter, still running, what it says readable."""
        return subprocess.Popen(
            [sys.executable, "-m", "retailhub.local", *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def call(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The starter, finished."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout=said)

    def python(self, script: str) -> tuple[str, ...]:
        """The words of a command that runs `script`."""
        return (sys.executable, "-c", script)


def make_checkout(root: Path) -> Checkout:
    shutil.copytree(
        Path(retailhub.local.__file__).parent,
        root / "retailhub" / "local",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (root / "retailhub" / "__init__.py").touch()
    for name, text in {"manage.py": MANAGE, "web.py": WEB, "Procfile": PROCFILE}.items():
        (root / name).write_text(text)
    # The suite has servers of its own; here we want to see new ones come and go.
    unwanted = {"DATABASE_URL", "REDIS_URL", "PORT", "HOST"}
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    return Checkout(root, inherited | {"PORT": "18700"})


def eventually(true: Callable[[], bool], within: float = 60.0) -> bool:
    """Whether it becomes `true` within so many seconds."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
