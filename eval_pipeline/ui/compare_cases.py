"""The cases of a comparison: their counts as a filter, the table, and its downloads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eval_pipeline.core.case_pairs import CaseChange, CaseFilter, CasePair, count_changes
from eval_pipeline.report import numbers
from eval_pipeline.report.case_table import TypedPair, case_csv, case_frame, case_record
from eval_pipeline.report.looks import CASES
from eval_pipeline.ui.compare import View

ALL = "all"
CASE = "case"
"""The parameter of the URL that names the case whose details are shown."""
TALL = 320
"""Pixels of the table: what belongs to the chosen case stays in sight."""
LONGEST = 160
"""Characters of a reason or an expected output in the table."""
_ORDER = list(CaseChange)
_SHOWN, _MOVES = "compare.shown", "compare.moves"


@dataclass(frozen=True, slots=True)
class Shown:
    """The cases that the filters let through, and which of them is open."""

    view: View
    pairs: tuple[TypedPair, ...]
    of: int
    names: tuple[str, ...]
    """What the URL calls each of them."""
    everything: Mapping[str, TypedPair]
    """All cases of the comparison, by what the URL calls them."""

    @property
    def open(self) -> str | None:
        """What the URL calls the open case: the one that was chosen, else the first."""
        asked = st.query_params.get(CASE)
        return asked if asked in self.everything else next(iter(self.names), None)

    @property
    def place(self) -> int | None:
        """Where the open case is among those shown."""
        return self.names.index(self.open) if self.open in self.names else None


def filters(view: View) -> Shown:
    """The counts to click, and the filters; all are kept in the URL."""
    every = sorted(
        ((each.eval_type, pair) for each in view.comparisons for pair in each.pairs),
        key=lambda each: _ORDER.index(each[1].change),
    )
    if not every:
        _remember(view.address)
        return Shown(view, (), 0, (), {})
    change = _counts(view, every)
    wanted, kept = _narrow(view, every)
    changes = frozenset() if change == ALL else frozenset({CaseChange(change)})
    chosen = [each for each in every if _admits(each, wanted, kept, changes)]
    _remember({**view.address, "filter": change, **kept, "q": wanted.text})
    named = {_name(view, each): each for each in every}
    return Shown(view, tuple(chosen), len(every), tuple(_name(view, each) for each in chosen), named)


def _admits(
    each: TypedPair, wanted: CaseFilter, kept: Mapping[str, Sequence[str]], changes: frozenset[CaseChange]
) -> bool:
    eval_type, pair = each
    types = kept.get("eval", ())
    return (not types or eval_type in types) and (not changes or pair.change in changes) and wanted.admits(pair)


def _name(view: View, each: TypedPair) -> str:
    eval_type, pair = each
    return f"{eval_type}/{pair.case_id}" if view.several else pair.case_id


def _counts(view: View, every: Sequence[TypedPair]) -> str:
    """What became of the cases, as a row of counts; the chosen one filters."""
    counts = count_changes(pair for _, pair in every)
    options = [ALL, *(change.value for change in CaseChange)]
    usual = next((change.value for change in CaseChange if change is CaseChange.BROKEN and counts[change]), ALL)
    asked = st.query_params.get("filter", usual)
    empty = asked in options[1:] and not counts[CaseChange(asked)]
    key = f"compare.filter:{view.scope}"
    if st.session_state.get(key) not in options:
        st.session_state[key] = usual if empty or asked not in options else asked

    def say(option: str) -> str:
        if option == ALL:
            return f"All **{numbers.count(len(every))}**"
        return f"{CASES[option].icon} {CASES[option].word} **{numbers.count(counts[CaseChange(option)])}**"

    return str(st.pills("What became of the cases", options, key=key, format_func=say, required=True))


def _narrow(view: View, every: Sequence[TypedPair]) -> tuple[CaseFilter, dict[str, list[str]]]:
    """The other filters, shown where there is something to choose."""
    places = iter(st.columns([3, 2, 2, 2] if view.several else [3, 2, 2]))
    text = _text(next(places), view)
    tags = _several(next(places), "Tags", "tag", {tag for _, pair in every for tag in pair.case.tags}, view)
    groups = _several(next(places), "Groups", "group", {pair.case.group or "" for _, pair in every} - {""}, view)
    kept = {"tag": tags, "group": groups}
    if view.several:
        kept["eval"] = _several(next(places), "Eval types", "eval", {name for name, _ in every}, view)
    return CaseFilter(tags=frozenset(tags), groups=frozenset(groups), text=text), kept


def _text(place: DeltaGenerator, view: View) -> str:
    key = f"compare.text:{view.scope}"
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get("q", "")
    said = place.text_input("Search", key=key, placeholder="Words in input, outputs, reasons", icon=":material/search:")
    return (said or "").strip()


def _several(place: DeltaGenerator, title: str, parameter: str, values: Iterable[str], view: View) -> list[str]:
    options = sorted(values)
    key = f"compare.{parameter}:{view.scope}"
    if key not in st.session_state:
        st.session_state[key] = [each for each in st.query_params.get_all(parameter) if each in options]
    return list(
        place.multiselect(title, options, key=key, placeholder="All" if options else "None", disabled=not options)
    )


def _remember(values: Mapping[str, str | Sequence[str]]) -> None:
    """Put these values into the URL, and the case that is chosen; nothing else."""
    listed = {name: [value] if isinstance(value, str) else list(value) for name, value in values.items()}
    listed[CASE] = st.query_params.get_all(CASE)
    wanted = {name: value for name, value in listed.items() if value and value != [""]}
    if {name: st.query_params.get_all(name) for name in st.query_params} != wanted:
        st.query_params.from_dict(wanted)


def table(shown: Shown) -> None:
    """The cases; a chosen row opens its details below."""
    if not shown.of:
        return
    if not shown.pairs:
        st.info("**No case in this view.** Choose another count or other filters.", icon=":material/search_off:")
        return
    st.session_state[_SHOWN] = shown.names
    moves = st.session_state.get(_MOVES, 0)
    key = f"compare.cases:{hashlib.sha256('|'.join(shown.names).encode()).hexdigest()[:12]}:{moves}"
    st.dataframe(
        _frame(shown),
        key=key,
        hide_index=True,
        height="content" if len(shown.pairs) <= TALL // 40 else TALL,
        on_select=lambda: _pick(key),
        selection_mode="single-row",
        selection_default=None if shown.place is None else {"selection": {"rows": [shown.place]}},
        column_config=_COLUMNS,
    )
    some = "" if len(shown.pairs) == shown.of else f"{numbers.count(len(shown.pairs))} of "
    st.caption(f"{some}{numbers.counted(shown.of, 'case')} · select a row to open its case below")


def _frame(shown: Shown) -> pd.DataFrame:
    frame = case_frame(shown.pairs)
    several = any(len(side.results) > 1 for _, pair in shown.pairs for side in (pair.baseline, pair.current) if side)
    states = frame["change"].map(lambda change: f"{CASES[change].glyph} {CASES[change].word}")
    columns = {
        **({"Eval type": frame["eval_type"]} if shown.view.several else {}),
        "Case": frame["case_id"],
        "Change": states,
        **({"Quarantine": [pair.quarantined for _, pair in shown.pairs]} if _some_quarantined(shown) else {}),
        **({"Outcome": frame["outcome"]} if several else {}),
        "Reason": frame["reason"].map(_short),
        "Expected": frame["expected"].map(_short),
        "Group": frame["group"],
        "Tags": frame["tags"],
        "Score": frame["score"],
        "Duration": frame["duration"],
    }
    return pd.DataFrame(columns)


def _some_quarantined(shown: Shown) -> bool:
    return any(pair.quarantined for _, pair in shown.pairs)


def _short(text: str) -> str:
    return numbers.shortened(" ".join(text.split()), LONGEST)


_COLUMNS = {
    "Case": st.column_config.TextColumn(width=230),
    "Change": st.column_config.TextColumn(width=100),
    "Quarantine": st.column_config.CheckboxColumn(width="small", help="Shown, and not counted in the evidence"),
    "Reason": st.column_config.TextColumn(width=210),
    "Expected": st.column_config.TextColumn(width="small"),
    "Group": st.column_config.TextColumn(width="small"),
    "Tags": st.column_config.ListColumn(width="small"),
}


def _pick(key: str) -> None:
    """A selected row puts its case into the URL; none takes it out."""
    rows = st.session_state[key]["selection"]["rows"]
    names = st.session_state.get(_SHOWN, ())
    if rows and rows[0] < len(names):
        st.query_params[CASE] = names[rows[0]]
    else:
        st.query_params.pop(CASE, None)


def go_to(name: str) -> None:
    """Open a case of those shown; the table begins anew, with its row selected."""
    st.query_params[CASE] = name
    st.session_state[_MOVES] = st.session_state.get(_MOVES, 0) + 1


def downloads(shown: Shown) -> None:
    """What is shown, as CSV and as JSON, made when it is asked for."""
    if not shown.pairs:
        return
    pairs = shown.pairs
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            lambda: case_csv(pairs).encode(),
            file_name="cases.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Download JSON",
            lambda: _json(pairs).encode(),
            file_name="cases.json",
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )


def _json(pairs: Iterable[tuple[str, CasePair]]) -> str:
    return json.dumps([case_record(*each) for each in pairs], indent=2, ensure_ascii=False)
