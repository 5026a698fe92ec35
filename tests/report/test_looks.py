import itertools

import pytest
from conftest import THEME
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from eval_pipeline.core.models import RunStatus, Verdict
from eval_pipeline.report.looks import EVENTS, LOOKS, THRESHOLD_COLOR, badge, label, threshold_ink

BACKGROUNDS = [THEME[base]["backgroundColor"] for base in ("light", "dark")]
MEANINGS = ["PASS", "IMPROVED", "WARNING", "REGRESSION", "PARTIAL"]
"""One state of each colour."""

# Machado, Oliveira, Fernandes (2009), severity 1.0, on linear RGB.
SIGHT = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def linear(color: str) -> list[float]:
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, other: str) -> float:
    low, high = sorted(
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True)) for x in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def seen(color: str, sight: str) -> tuple[float, float, float]:
    """CIE L*a*b* of a colour as that eye sees it."""
    rgb = [min(1, max(0, sum(w * c for w, c in zip(row, linear(color), strict=True)))) for row in SIGHT[sight]]
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = (
        sum(w * c for w, c in zip(row, rgb, strict=True)) / white
        for row, white in zip(matrix, (0.95047, 1, 1.08883), strict=True)
    )
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(one: str, other: str, sight: str) -> float:
    return sum((a - b) ** 2 for a, b in zip(seen(one, sight), seen(other, sight), strict=True)) ** 0.5


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_mark_stands_out_from_both_page_backgrounds(background):
    marks = [look.color for look in (*LOOKS.values(), *EVENTS.values())] + [THRESHOLD_COLOR]
    assert {color: contrast(color, background) for color in marks if contrast(color, background) < 3} == {}


@pytest.mark.parametrize("dark", [False, True])
def test_text_on_charts_is_readable(dark):
    inks = [look.ink(dark) for look in EVENTS.values()] + [threshold_ink(dark)]
    assert min(contrast(ink, BACKGROUNDS[dark]) for ink in inks) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_states_that_mean_different_things_keep_apart_for_every_eye(sight):
    pairs = {(a, b): difference(LOOKS[a].color, LOOKS[b].color, sight) for a, b in itertools.combinations(MEANINGS, 2)}
    assert {pair: apart for pair, apart in pairs.items() if apart < 14} == {}


@pytest.mark.parametrize("part", ["word", "icon", "glyph", "shape"])
def test_no_two_states_share_a_sign_other_than_colour(part):
    signs = [getattr(look, part) for look in LOOKS.values()]
    assert len(set(signs)) == len(signs)


def test_every_verdict_and_status_has_a_look():
    statuses = {status.value.upper() for status in RunStatus if status is not RunStatus.COMPLETE}
    assert {verdict.value for verdict in Verdict} | statuses | {"BELOW", "FIRST", "NO_DATA"} == set(LOOKS)


def test_streamlit_knows_every_icon():
    icons = {look.icon.removeprefix(":material/").rstrip(":") for look in (*LOOKS.values(), *EVENTS.values())}
    assert icons <= set(ALL_MATERIAL_ICONS)


def test_a_state_reads_as_text_and_as_badge():
    assert label("REGRESSION") == "✕ Regression"
    assert badge("WARNING") == ":orange-badge[:material/warning: Warning]"
