"""The command line: `python -m retailhub.local run`, and `… exec [--ephemeral] -- COMMAND`."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retailhub.local.keeper import Keeper, say
from retailhub.local.place import AlreadyRunning, Place, ephemeral_place, kept_place, tell
from retailhub.local.postgres import start_postgres
from retailhub.local.product import Ports, environment_for, sandbox_ports, serve, web_address
from retailhub.local.programs import Unusable
from retailhub.local.reaper import Reaper
from retailhub.local.valkey import start_valkey

ROOT = Path(__file__).resolve().parent.parent.parent
URLS = ("DATABASE_URL", "REDIS_URL")


def main() -> int:
    arguments = _parser().parse_args()
    if os.geteuid() == 0:
        os.umask(0o022)  # PostgreSQL's account must come through the directories we make
    try:
        if arguments.action == "run":
            return _run(leave_with_parent=arguments.leave_with_parent)
        return _exec(arguments)
    except (Unusable, PermissionError) as error:
        print(f"retailhub: {error}", file=sys.stderr)
        return 1


def _run(*, leave_with_parent: bool) -> int:
    os.chdir(ROOT)
    place = kept_place(ROOT / ".data")
    with _servers(place, durable=True, leave_with_parent=leave_with_parent) as (keeper, urls):
        if keeper.stopping:
            return 0
        ports = Ports()
        address = web_address(os.environ, ports)
        tell(place, web=str(address), **urls)
        told = environment_for(address, place) | sandbox_ports(os.environ, ports)
        code = serve(keeper, place, os.environ | urls | told, ROOT, address)
    say("retailhub: stopped\n")
    return code


def _exec(arguments: argparse.Namespace) -> int:
    command: list[str] = arguments.command
    try:
        place = ephemeral_place() if arguments.ephemeral else kept_place(ROOT / ".data")
    except AlreadyRunning as error:
        if not error.facts.keys() >= set(URLS):
            raise
        # The product runs here: its servers are the ones that were meant.
        os.execvpe(command[0], command, os.environ | {url: error.facts[url] for url in URLS})
    durable = arguments.durable or not arguments.ephemeral
    with _servers(place, durable=durable) as (keeper, urls):
        if not arguments.ephemeral:
            tell(place, **urls)
        return 130 if keeper.stopping else keeper.run(command, os.environ | urls)


@contextmanager
def _servers(
    place: Place, *, durable: bool, leave_with_parent: bool = False
) -> Iterator[tuple[Keeper, dict[str, str]]]:
    """Both servers, ours or those the environment names; afterwards nothing of ours is left."""
    reaper = Reaper(holds=place.locks)
    reaper.remove_at_end(place.run)
    keeper = Keeper(reaper, leave_with_parent=leave_with_parent)
    try:
        database = os.environ.get("DATABASE_URL") or start_postgres(keeper, place, durable=durable)
        redis = os.environ.get("REDIS_URL") or start_valkey(keeper, place, durable=durable)
        yield keeper, dict(zip(URLS, (database, redis), strict=True))
    finally:
        keeper.stop()
        reaper.finish()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m retailhub.local", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="serve the whole product until ctrl-C")
    run.add_argument(
        "--leave-with-parent", action="store_true", help="stop when the caller is gone"
    )
    execute = actions.add_parser("exec", help="run COMMAND with DATABASE_URL and REDIS_URL set")
    execute.add_argument("--ephemeral", action="store_true", help="new servers, removed afterwards")
    execute.add_argument(
        "--durable", action="store_true", help="… that write to disk as kept ones do"
    )
    execute.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
