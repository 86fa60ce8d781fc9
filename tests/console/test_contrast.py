"""Every pair of colours the stylesheet may put together can be read, in light and in dark."""

from __future__ import annotations

import math
import re
from itertools import product

import pytest
from django.conf import settings

Color = tuple[float, float, float]
HUES = ("red", "orange", "amber", "green", "teal", "blue", "violet", "gray")
SURFACES = ("bg", "surface", "surface-2")
NUMBER = r"\s*([\d.]+)(%?)"
PAIRS = [
    *(("text", s, 4.5) for s in (*SURFACES, "surface-3", "overlay", "accent-soft")),
    *(("text-2", s, 4.5) for s in (*SURFACES, "surface-3", "accent-soft")),
    *product(("text-3", "accent"), SURFACES, (4.5,)),
    *product(("line-strong", "focus"), SURFACES, (3.0,)),
    ("on-accent", "accent-solid", 4.5),
    ("accent", "accent-soft", 4.5),
    *(
        (f"{h}-fg", s, 4.5)
        for h in HUES
        for s in ("surface", "surface-2", f"{h}-bg", "accent-soft")
    ),
    *((f"{h}-solid", "surface", 3.0) for h in HUES),
]


def tokens() -> dict[str, tuple[Color, Color]]:
    """Each token's light and dark colour."""
    text = (settings.BASE_DIR / "static/css/tokens.css").read_text()
    found = {}
    for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", text):
        colors = [_linear(*_lch(part)) for part in re.findall(r"oklch\(([^)]*)\)|#fff\b", value)]
        if colors and "/" not in value:
            found[name] = (colors[0], colors[-1])
    return found


def _lch(text: str) -> Color:
    if not text:
        return 1.0, 0.0, 0.0
    light, chroma, hue = (float(part.rstrip("%")) for part in text.split()[:3])
    return (light / 100 if "%" in text.split(maxsplit=1)[0] else light), chroma, hue


def _linear(light: float, chroma: float, hue: float) -> Color:
    """OKLCH as linear sRGB, its chroma lowered until a screen can show it."""
    while True:
        a = chroma * math.cos(math.radians(hue))
        b = chroma * math.sin(math.radians(hue))
        long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
        rgb = (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )
        if chroma <= 0 or all(-0.0005 <= value <= 1.0005 for value in rgb):
            return rgb
        chroma -= 0.002


def contrast(one: Color, other: Color) -> float:
    """The WCAG ratio of two colours."""
    weights = (0.2126, 0.7152, 0.0722)
    lights = [
        sum(w * min(max(v, 0.0), 1.0) for w, v in zip(weights, color, strict=True)) + 0.05
        for color in (one, other)
    ]
    return max(lights) / min(lights)


TOKENS = tokens()


@pytest.mark.parametrize(("front", "back", "least"), PAIRS, ids=str)
def test_can_be_read(front: str, back: str, least: float) -> None:
    for scheme in (0, 1):
        ratio = contrast(TOKENS[front][scheme], TOKENS[back][scheme])
        assert ratio >= least, f"{front} on {back}: {ratio:.2f} in {('light', 'dark')[scheme]}"


def test_white_on_black_is_twenty_one() -> None:
    assert contrast((1, 1, 1), (0, 0, 0)) == pytest.approx(21)
