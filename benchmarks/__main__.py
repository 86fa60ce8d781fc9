"""`python -m benchmarks NAME [--quick]`: the last line is the result as JSON."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

import django

from benchmarks.measure import RoundsDisagree

# What there is, and what each one compares.
NAMES = {
    "availability": "500 items over 20 nodes, explained · one bare statement · ORM, one by one",
    "publication": "500 changed items told to 3 channels · one statement by hand · ORM, one by one",
    "ingest": "a signed webhook to a committed row · pgbench's INSERT · a Django view with the ORM",
    "reservations": "holds that come together · pgbench's conditional UPDATE · a lock per request",
    "orders": "inbox to allocated · the same SQL by hand · one task per order with the ORM",
    "snapshot": "a file of a million shelves, 5 % new · COPY with indexes · bulk_create",
    "pages": "pages in a browser, 100,000 open cases · the budgets of the console",
    "queue": "a page of 100,000 open cases · its rows and counts in SQL · ORM with count()",
    "deliver": "outbox to an HTTP sink · a bare httpx loop · one task per effect with the ORM",
}


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.list or arguments.name is None:
        for name, what in NAMES.items():
            print(f"{name:12} {what}")
        return 0
    if arguments.minutes is not None and arguments.name != "pages":
        parser.error("--minutes is for pages")
    if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        _start_again_with_servers()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    django.setup()
    benchmark = importlib.import_module(f"benchmarks.{arguments.name}")
    more = {} if arguments.minutes is None else {"minutes": arguments.minutes}
    try:
        result = benchmark.run(quick=arguments.quick, **more)
    except RoundsDisagree as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    print(result.line())
    return 0


def _start_again_with_servers() -> None:
    """Servers of our own that write to disk as those of a shop would; gone when we are."""
    if "DATABASE_URL" in os.environ or "REDIS_URL" in os.environ:
        sys.exit("benchmarks: set both DATABASE_URL and REDIS_URL, or neither.")
    python = sys.executable
    servers = [python, "-m", "retailhub.local", "exec", "--ephemeral", "--durable", "--"]
    os.execv(python, [*servers, python, "-m", "benchmarks", *sys.argv[1:]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, under 50 s")
    parser.add_argument(
        "--minutes", type=float, help="pages: how long one stays open (60; quick 2)"
    )
    parser.add_argument("--list", action="store_true", help="say what there is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
