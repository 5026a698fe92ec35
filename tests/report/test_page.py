"""The report page: what is in it, how much, and that nothing from outside becomes markup."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from eval_pipeline.core.models import RunStatus
from eval_pipeline.core.moves import Action
from eval_pipeline.report.page import Facts, render, work_out
from tests.page_facts import HOSTILE, HOSTILE_NAME, SHOWN, case, facts, move, run, story

SAFE_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "article"),
    *("h1", "h2", "h3", "h4", "p", "ul", "li", "a", "b", "span", "div", "code", "dl", "dt", "dd", "del", "ins"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "path", "text", "line", "rect", "circle", "polyline", "defs", "clippath"),
}


WORSE, BETTER = ("-45.0", "80%", "20", "34% to 74%"), ("+15.0", "80%", "20", "76% to 99%")


class Reader(HTMLParser):
    """Reads a page as a browser would, as far as these tests ask."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self._cell = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self._cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._cell:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return "".join(self.words)


def page(told: Facts) -> str:
    return render(work_out(told))


def read(told: Facts) -> Reader:
    return Reader(page(told))


def test_a_page_says_where_each_type_stands_what_regressed_why_and_what_changed() -> None:
    told = read(story())
    assert told.rows[1:4] == [
        ["tone", "✕ Regression", "55.0%", *WORSE, "significant p=0.002", "↘ degrading", "persona v2"],
        ["routing", "▲ Improved", "95.0%", *BETTER, "no drop", "↗ improving", "persona v1"],
        ["weather", "– No data", *"–" * 8],
    ]
    for said in (
        "1 of 2 eval types meet their threshold",
        "my-assistant-eval",
        "1 without a complete run",
        "100.0% → 55.0%, -45.0 pp (threshold 80%)",
        "45 points lower on the same 20 cases",
        "Not alike · judge_model – → be kind",
        "broken 9 · still passing 11",
        "and 3 more cases: eval-pipeline diff 001tone 002tone --show broken,still-failing,errored",
        "icontains: does not contain 'hello'",
        "persona v1 → v2",
        "Promotion",
        "01 Jun 2026 09:30 UTC by eval-pipeline 1.2.3 from sqlite:///mlflow.db",
    ):
        assert said in told.text


def test_the_same_facts_give_the_same_page_whatever_was_drawn_before() -> None:
    first = page(story())
    page(facts({"other": [run("other", day, 0.9) for day in range(5)]}))
    assert page(story()) == first


def test_text_from_outside_is_text_and_hides_nothing() -> None:
    whole = page(story(HOSTILE_NAME, HOSTILE_NAME, HOSTILE, base_experiment=HOSTILE, store=HOSTILE, notice=HOSTILE))
    told = Reader(whole)
    assert set(told.tags) <= SAFE_TAGS
    assert told.text.count(SHOWN) >= 15
    assert told.text.count(SHOWN.replace("[31m\ufffd", "[31m")) >= 8
    assert not {name for name, _ in told.attributes if name.startswith("on")}
    assert {value[0] for name, value in told.attributes if name == "href"} == {"#"}
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", whole)
    assert told.tags["style"] == 1
    whole.encode()


def test_a_page_asks_for_nothing_from_anywhere_and_says_so_itself() -> None:
    whole = page(story())
    told = Reader(whole)
    assert not {name for name, _ in told.attributes} & {"src", "srcset", "action", "data", "background", "style"}
    assert not re.search(r"url\((?!#)|@import|@font-face", whole)
    assert set(re.findall(r"https?://[^\"' )]+", whole)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'") in (
        told.attributes
    )


def test_every_part_has_a_name_of_its_own_and_every_link_within_the_page_leads_somewhere() -> None:
    told = read(story())
    names = Counter(value for name, value in told.attributes if name == "id")
    assert max(names.values()) == 1
    linked = {value[1:] for name, value in told.attributes if name == "href"}
    clipped = {value[5:-1] for name, value in told.attributes if name == "clip-path"}
    assert len(linked) == 2
    assert linked | clipped <= set(names)


@pytest.mark.parametrize(("home", "linked"), [("https://mlflow.example", True), ("javascript:alert(1)//", False)])
def test_runs_are_linked_where_people_open_mlflow(home: str, linked: bool) -> None:
    told = read(replace(story(), mlflow_home=home))
    assert (("href", "https://mlflow.example/#/experiments/7/runs/002tone") in told.attributes) is linked
    assert not [value for _, value in told.attributes if value.startswith("javascript")]


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"a": [0.9, 0.9], "b": [0.9, 0.85]}, "All 2 eval types meet their threshold"),
        ({"a": [0.9, 0.7], "b": [0.9]}, "1 of 2 eval types meet their threshold"),
        ({"a": [0.7]}, "The eval type with runs is below its threshold"),
        ({"a": [0.8], "b": []}, "The eval type with runs meets its threshold"),
        ({"a": [None]}, "No eval type has a complete run yet"),
    ],
)
def test_the_headline_counts_what_has_a_complete_run(rates: dict[str, list[float | None]], said: str) -> None:
    told = page(facts({name: [run(name, day, rate) for day, rate in enumerate(each)] for name, each in rates.items()}))
    assert f"<h1>{said}</h1>" in told
    assert f"<title>{said} · my-assistant-eval · 01 Jun 2026</title>" in told


def test_what_is_no_verdict_says_why() -> None:
    partial = run("late", 3, 0.9, status=RunStatus.PARTIAL)
    told = read(
        facts({"late": [run("late", 1, 0.9), partial], "new": [run("new", 1, 0.7)], "broken": [run("broken", 1, None)]})
    )
    assert [row[:2] for row in told.rows[1:4]] == [
        ["new", "▼ Below threshold"],
        ["late", "► First runnewest run: partial run"],
        ["broken", "⊘ Errorthe run ended as FAILED"],
    ]
    assert "below threshold new in the first run" in told.text
    assert "No alias has been moved with this tool" in told.text


def test_nothing_to_worry_about_is_said_in_so_many_words() -> None:
    told = read(facts({"tone": [run("tone", 1, 0.9), run("tone", 2, 0.95)]}))
    assert "No eval type fell below its threshold, or by 10 points or more." in told.text
    assert "What needs a look" not in told.text


def test_prompt_versions_are_a_column_only_where_types_differ_in_them() -> None:
    alike = {name: [run(name, 1, 0.9)] for name in ("routing", "tone")}
    assert "All evaluated persona v1." in read(facts(alike)).text
    assert read(facts(alike)).rows[0][-1] == "Trend"
    other = {**alike, "tone": [run("tone", 1, 0.9, "v2")]}
    assert {row[0]: row[-1] for row in read(facts(other)).rows[1:3]} == {"routing": "persona v1", "tone": "persona v2"}


def test_runs_without_cases_and_prompts_without_texts_are_told_with_what_there_is() -> None:
    told = read(facts({"tone": [run("tone", 1, 0.9), run("tone", 2, 0.7, "v2")]}))
    assert "no cases to compare: 001tone and 002tone logged none that can be read" in told.text
    assert "The registry does not have both versions." in told.text


def test_moves_that_never_happened_or_were_forced_say_so() -> None:
    moves = [move(), move(Action.ROLLBACK, forced=True), *(move() for _ in range(12))]
    told = read(facts({"tone": [run("tone", 1, 0.9)]}, moves=[*moves, move(forced=True)]))
    assert "The newest 10 of 15 records, newest first." in told.text
    assert told.rows[3][1:] == ["▲ Promotion ! forced", "persona@production", "v1 → v2", "ada", "kinder", "✓ Done "]


def test_a_page_is_bounded_and_says_what_it_leaves_out() -> None:
    names, long = [f"type-{number:02}" for number in range(70)], "word " * 20_000
    ends = {name: run(name, 300, 0.5, f"v{9 + k}", run_id=f"end-{name}") for k, name in enumerate(names)}
    histories = {
        name: [*(run(name, day, 0.9) for day in range(299 - (k < 5) * 290, 300)), ends[name]]
        for k, name in enumerate(names)
    }
    cases = {each.run_id: [case(f"c{k}", False, output=long, input=long) for k in range(90)] for each in ends.values()}
    cases |= {f"299{name}": [case(f"c{k}", True, output=long) for k in range(90)] for name in names}
    texts = {("persona", "v1"): "\n".join(f"{k} {long[:300]}" for k in range(300))}
    texts |= {("persona", f"v{9 + k}"): f"other\n{long}" for k in range(9)}
    whole = page(facts(histories, cases, texts))
    told = Reader(whole).text
    assert len(whole) < 1_500_000
    for said in (
        "and 62 more: type-08",
        "And 64 more: persona",
        "10 more eval types in the table",
        "99,400 more characters",
    ):
        assert said in told
    assert "and 84 more cases" in told
    assert re.search(r"… \d+ more rows", told)
