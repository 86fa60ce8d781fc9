"""Are the files of others what they claim to be, and do our pages keep the content policy?"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
FILES: list[dict[str, Any]] = tomllib.loads((VENDOR / "VENDOR.toml").read_text())["file"]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))

# What `script-src 'self'; style-src 'self'` refuses, and what would leave our origin.
FORBIDDEN = {
    "inline style": re.compile(r"\sstyle\s*="),
    "style element": re.compile(r"<style\b"),
    "inline script": re.compile(r"<script\b(?![^>]*\bsrc=)"),
    "event handler attribute": re.compile(r"\son[a-z]+\s*="),
    "hx-on": re.compile(r"hx-on\b"),
    "evaluated hx-vals or hx-headers": re.compile(r"hx-(?:vals|headers)=['\"]js"),
    "htmx trigger filter": re.compile(r"hx-trigger=\"[^\"]*\["),
    "morph with options": re.compile(r"morph:\{"),
    "external asset": re.compile(
        r"<(?:script|link|img|use|source|iframe)\b[^>]*(?:src|href)=[\"'](?:https?:)?//"
    ),
}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["path"])
def test_vendored_file_is_the_released_one(entry: dict[str, Any]) -> None:
    content = (VENDOR / entry["path"]).read_bytes()

    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["version"] in entry["path"]
    assert (VENDOR / entry["licence_file"]).stat().st_size > 200


def test_every_vendored_file_is_listed() -> None:
    listed = {entry["path"] for entry in FILES} | {entry["licence_file"] for entry in FILES}
    present = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}

    assert present == listed | {"VENDOR.toml"}


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_template_keeps_the_content_policy(path: Path) -> None:
    text = path.read_text()

    assert [rule for rule, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_script_evaluates_nothing_and_stays_home(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"\beval\(|new Function|https?://|\.style\b", text)


@pytest.mark.parametrize("path", STYLES, ids=named)
def test_style_stays_home(path: Path) -> None:
    assert not re.search(r"@import|url\(\s*['\"]?(?:https?:)?//", path.read_text())


def test_icons_that_templates_name_exist() -> None:
    symbols = set(
        re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static" / "sprite.svg").read_text())
    )
    used = {
        name for path in TEMPLATES for name in re.findall(r'{%\s*icon "([\w-]+)"', path.read_text())
    }

    assert used - symbols == set()


def test_first_visit_stays_small() -> None:
    """Raw bytes; compressed they are about a quarter."""
    assert sum(path.stat().st_size for path in SCRIPTS) < 45_000
    assert sum(path.stat().st_size for path in STYLES) < 60_000
