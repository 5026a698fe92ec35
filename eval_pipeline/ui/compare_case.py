"""One case of a comparison: what was asked and expected, what was answered, and why it did not pass."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from eval_pipeline.core.case_pairs import CasePair, CaseSide, CaseState
from eval_pipeline.core.plain_text import visible
from eval_pipeline.report import compare, numbers
from eval_pipeline.report.case_table import duration, outcome, score, side_words, why
from eval_pipeline.report.looks import CASES
from eval_pipeline.ui.compare_cases import Shown, go_to
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.versions import difference

FEW_TURNS = 4
TALL = 300
"""Pixels that more turns than these few may take."""
LONGEST_TEXT = 50_000
"""Characters of a text that are shown."""


def details(shown: Shown) -> None:
    """The open case, with ways to the one before and after it in the view."""
    if shown.open is None:
        return
    eval_type, pair = shown.everything[shown.open]
    with st.container(border=True):
        _heading(shown, eval_type, pair)
        _question(pair)
        _answers(pair, shown.view.sides)
        _reasons(pair, shown.view.sides)
        _repeats(pair, shown.view.sides)


def _heading(shown: Shown, eval_type: str, pair: CasePair) -> None:
    look = CASES[pair.change.value]
    head = st.container(horizontal=True, vertical_alignment="center")
    name = f"{eval_type} / {pair.case_id}" if shown.view.several else pair.case_id
    head.markdown(f"#### :{look.badge}-badge[{look.icon} {look.word}] {escape(name)}", width="stretch", anchors=False)
    _ways(head.container(horizontal=True, vertical_alignment="center", width="content"), shown)
    named = [*([f"group {pair.case.group}"] if pair.case.group else []), *pair.case.tags]
    badges = " ".join(f":gray-badge[{escape(each)}]" for each in named)
    facts = [
        escape(outcome(pair)),
        f"score {_both(score(pair.baseline), score(pair.current))}",
        f":material/timer: {_both(duration(pair.baseline), duration(pair.current))}",
    ]
    st.markdown(" · ".join([*facts, *([badges] if badges else [])]))
    if pair.quarantined:
        st.caption(f":material/visibility_off: {compare.QUARANTINED[0].upper()}{compare.QUARANTINED[1:]}.")
    if pair.edited:
        st.warning("The case itself differs between the runs, though its id does not.", icon=":material/edit:")


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _ways(place: st.delta_generator.DeltaGenerator, shown: Shown) -> None:
    at, names = shown.place, shown.names
    if at is None:
        place.caption("not in this view")
        return
    before, after = names[max(0, at - 1)], names[min(len(names) - 1, at + 1)]
    place.button(
        "Previous",
        key="compare.previous",
        icon=":material/chevron_left:",
        disabled=at == 0,
        on_click=go_to,
        args=(before,),
    )
    place.caption(f"{at + 1} of {len(names)}", width="content")
    place.button(
        "Next",
        key="compare.next",
        icon=":material/chevron_right:",
        icon_position="right",
        disabled=at == len(names) - 1,
        on_click=go_to,
        args=(after,),
    )


def _question(pair: CasePair) -> None:
    asked, expected = st.columns(2)
    turns = [pair.case.input] if isinstance(pair.case.input, str) else pair.case.input
    with asked:
        st.caption("Input" if len(turns) == 1 else f"Input, {len(turns)} turns")
        if len(turns) == 1:
            _quote(turns[0])
        else:
            _turns(turns)
    with expected:
        st.caption("Expected")
        _quote(pair.case.expected)


def _turns(turns: Sequence[str]) -> None:
    """What the user said, turn by turn; many turns scroll, so that the answer stays in sight."""
    with st.container(height=TALL if len(turns) > FEW_TURNS else "content", border=False, gap="xsmall"):
        for number, turn in enumerate(turns, 1):
            with st.chat_message("user", avatar=":material/person:"):
                st.text(f"{number}. {visible(numbers.shortened(turn, LONGEST_TEXT))}")


def _quote(text: str | None) -> None:
    """A text from outside, as it is as far as it can be seen."""
    if text is None or not text.strip():
        st.caption("nothing is stated" if text is None else "empty")
    else:
        st.code(visible(text[:LONGEST_TEXT]), language=None, wrap_lines=True)
        if len(text) > LONGEST_TEXT:
            st.caption(f"and {numbers.count(len(text) - LONGEST_TEXT)} more characters: the downloads have them all")


def _answers(pair: CasePair, sides: tuple[str, str]) -> None:
    before, after = (side.shown.output if side else None for side in (pair.baseline, pair.current))
    titles = tuple(
        f"{name}: {side_words(side)}" for name, side in zip(sides, (pair.baseline, pair.current), strict=True)
    )
    if before is not None and after is not None and before != after:
        st.caption("Output")
        with st.container(border=True):
            st.html(difference(before, after, (titles[0], titles[1])))
        return
    if before is not None and after is not None:
        st.caption(f"Output, the same in both{_judged_otherwise(pair)}")
        _quote(after)
        return
    for place, title, text in zip(st.columns(2), titles, (before, after), strict=True):
        with place:
            st.caption(f"Output · {escape(title)}")
            _quote(text)


def _judged_otherwise(pair: CasePair) -> str:
    states = {side.state for side in (pair.baseline, pair.current) if side}
    return "; what differs is how it was judged" if len(states) > 1 else ""


def _reasons(pair: CasePair, sides: tuple[str, str]) -> None:
    """The assertions that failed and the judge's words, or the error."""
    for name, side in zip(sides, (pair.baseline, pair.current), strict=True):
        said = why(side)
        if side is not None and said:
            errored = side.state is CaseState.ERRORED
            show, icon = (st.warning, ":material/block:") if errored else (st.error, ":material/close:")
            show(f"**{escape(name)}** {'errored' if errored else 'failed'}: {escape(said)}", icon=icon)


def _repeats(pair: CasePair, sides: tuple[str, str]) -> None:
    """Every run of a case that was run several times."""
    known = [(name, side) for name, side in zip(sides, (pair.baseline, pair.current), strict=True) if side]
    if all(len(side.results) == 1 for _, side in known):
        return
    with st.expander("Every run of this case", icon=":material/repeat:"):
        for name, side in known:
            st.caption(escape(f"{name}: {side_words(side)}"))
            for result in side.results:
                _repeat(result.repeat, CaseSide((result,)))


def _repeat(number: int, side: CaseSide) -> None:
    reason = f": {escape(why(side))}" if why(side) else ""
    st.markdown(f"**{number}** · {side.state.value} · {duration(side)}{reason}")
    if side.shown.output is not None:
        _quote(side.shown.output)
