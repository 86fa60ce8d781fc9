# Makes .venv hold what a lock file names, and nothing unpinned: `sh retailhub/local/setup.sh run|dev`.
# With uv where there is one, else with Python's own venv and pip. A second call is free.
set -eu

lock=requirements/$1.txt
stamp=.venv/.$1
# A virtual environment does not survive being moved, so the stamp names its place too.
want="$PWD $(cksum "$lock")"
for done in "$stamp" .venv/.dev; do
    [ "$(cat "$done" 2>/dev/null)" = "$PWD $(cksum "requirements/${done##*.}.txt")" ] && exit 0
done

say() { echo "retailhub: $*" >&2; }

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.14 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed and none was found. Install it, or name one: make PYTHON=/path/to/python3 …"
    exit 1
}

with_uv() {
    # uv reads none of pip's settings, so a house with an index of its own is told here.
    index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
    [ -n "${kept:-}" ] || uv venv --quiet --clear --no-python-downloads --python "${PYTHON:->=3.11}" .venv
    uv pip install --quiet --python .venv/bin/python --require-hashes -r "$lock"
}

with_pip() {
    # An environment that uv made has no pip.
    if [ -z "${kept:-}" ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        python=$(find_python)
        if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
            say "$python has no venv. Install it (Debian, Ubuntu: apt install python3-venv), or install uv."
            exit 1
        fi
        "$python" -m venv --clear .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
}

say "setting up .venv from $lock (once)"
# An environment made here by an earlier lock file is brought up to date rather than made anew.
[ "$(cat .venv/.place 2>/dev/null)" != "$PWD" ] || kept=yes
if command -v uv >/dev/null; then with_uv; else with_pip; fi
echo "$PWD" >.venv/.place
echo "$want" >"$stamp"
