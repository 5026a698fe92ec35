"""What one suite run came to, and where to go from it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from eval_pipeline.actions.starting import last_words
from eval_pipeline.core.suite_runs import SuiteRun, SuiteState, TypeProgress
from eval_pipeline.report import numbers, suite_words
from eval_pipeline.report.links import run_url
from eval_pipeline.report.looks import LOOKS, NOT_RUN, SUITES, Look
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import suites_experiment_name
from eval_pipeline.ui import compare_links, mlflow_links
from eval_pipeline.ui.baselines import Baselines
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.suite_cards import LONGEST_PROBLEM, MOST_FAILURES, SHORT_ID, resume_button, type_look
from eval_pipeline.ui.suite_choice import suite_word
from eval_pipeline.ui.zone import when

_SHOWN_RUN = r"run=(.{8})"


def details_card(store: Store, suite: SuiteRun) -> None:
    """A suite run that has ended.

    Raises:
        StoreError: the store can't be read.
    """
    state = suite.outcome or SuiteState.LOST
    baselines, look = Baselines(store), SUITES[state.value]
    about = f" · {escape(suite_words.candidate(suite))}" if suite.candidate else ""
    badge = f":{look.badge}-badge[{look.icon} {look.word}]"
    st.markdown(f"#### {escape(suite_word(suite.suite))}{about} {badge}", anchors=False)
    st.caption(_when_and_who(suite))
    mlflow_links.own_line(store, suites_experiment_name(store), "suite run", suite.id)
    if suite.message:
        st.markdown(f":material/info: {escape(suite.message)}")
    _prompts(suite)
    _loud(suite, baselines)
    _types(store, suite, baselines)
    if state in _UNFINISHED:
        _how_to_go_on(store, suite)
    _ways_on(suite)


_UNFINISHED = (SuiteState.INCOMPLETE, SuiteState.CANCELLED, SuiteState.LOST)


def _when_and_who(suite: SuiteRun) -> str:
    said = [
        f"Run `{suite.id[:SHORT_ID]}`",
        when(suite.started),
        f"took {suite_words.duration(suite_words.took(suite))}",
        escape(suite_words.started_by(suite)),
    ]
    if len(suite.attempts) > 1:
        said.append(numbers.counted(len(suite.attempts), "attempt"))
    return " · ".join(said)


def _prompts(suite: SuiteRun) -> None:
    of_candidate = suite.candidate[0] if suite.candidate else None
    badges = [
        f":{'blue' if name == of_candidate else 'gray'}-badge[{escape(name)} {escape(version)}]"
        for name, version in suite.prompts.items()
    ]
    if badges:
        st.markdown("Evaluated against " + " ".join(badges))


def _loud(suite: SuiteRun, baselines: Baselines) -> None:
    """The types that are no good news, each with where to look next."""
    rows = st.container(gap="xxsmall")
    for each in suite.failures[:MOST_FAILURES]:
        look = type_look(each)
        said = [numbers.shortened(suite_words.failure(each), LONGEST_PROBLEM)]
        if each.delta_pp is not None:
            against = baselines.version(suite, each)
            said.append(f"{numbers.delta_pp(each.delta_pp)}{f' against {against}' if against else ''}")
        if each.evidence is not None:
            said.append(each.evidence)
        row = rows.container(horizontal=True, vertical_alignment="center")
        text = escape(" · ".join(filter(None, said)))
        row.markdown(f":{look.badge}[{look.icon}] **{escape(each.eval_type)}** {text}", width="stretch")
        _type_links(row, each)
    if len(suite.failures) > MOST_FAILURES:
        st.caption(f"and {len(suite.failures) - MOST_FAILURES} more, in the table")


def _type_links(row: st.delta_generator.DeltaGenerator, each: TypeProgress) -> None:
    if each.run_id is None:
        return
    if each.baseline_run_id is not None:
        row.page_link(
            "pages/compare.py",
            label="Compare",
            icon=":material/compare_arrows:",
            query_params=compare_links.runs_address(each.eval_type, each.baseline_run_id, each.run_id),
        )
    row.page_link(
        "pages/trends.py",
        label="On Trends",
        icon=":material/show_chart:",
        query_params={"evals": each.eval_type, "run": each.run_id},
    )


def _types(store: Store, suite: SuiteRun, baselines: Baselines) -> None:
    """Every type: what it came to, against what, and its run."""
    types = suite.types
    home = store.mlflow_home
    shown = pd.DataFrame(
        {
            "Eval type": [each.eval_type for each in types],
            "Result": [f"{end_look(each).glyph} {end_look(each).word}" for each in types],
            "Pass rate": [suite_words.rate(each) for each in types],
            "Threshold": [numbers.threshold(each.threshold) for each in types],
            "Cases": [_cases(each) for each in types],
            "Change": [_change(each, baselines.version(suite, each)) for each in types],
            "Evidence": [each.evidence for each in types],
            "Compare": [_compare_link(each) for each in types],
            "Run": [f"./trends?run={each.run_id}" if each.run_id else None for each in types],
            **({"MLflow": [_mlflow_link(home, each, baselines) for each in types]} if home else {}),
        }
    )
    st.dataframe(
        shown,
        key=f"run_evals.types:{suite.id}",
        hide_index=True,
        height="content",
        placeholder=numbers.MISSING,
        column_config=_COLUMNS,
    )
    if home is None:
        st.caption("To link runs to MLflow, set `mlflow_ui_url` to where your team opens it.")


_COLUMNS = {
    **{name: st.column_config.TextColumn(alignment="right", width=82) for name in ("Pass rate", "Threshold", "Cases")},
    "Result": st.column_config.TextColumn(width=140),
    "Change": st.column_config.TextColumn(
        "Against baseline", width=190, help="Verdict, change, and the version before"
    ),
    "Evidence": st.column_config.TextColumn(width=110, help="Whether the change is more than noise"),
    "Compare": st.column_config.LinkColumn("Cases", display_text="Compare", width=85),
    "Run": st.column_config.LinkColumn("Run on Trends", display_text=_SHOWN_RUN, width=105),
    "MLflow": st.column_config.LinkColumn(display_text="Open", width=60),
}


def _compare_link(each: TypeProgress) -> str | None:
    if each.run_id is None or each.baseline_run_id is None:
        return None
    return compare_links.url(compare_links.runs_address(each.eval_type, each.baseline_run_id, each.run_id))


def end_look(each: TypeProgress) -> Look:
    """How a type is shown once its suite run has ended."""
    return type_look(each) if each.state.ended else NOT_RUN


def _cases(each: TypeProgress) -> str:
    """How many cases have a result, of how many: `26`, `20 of 26`."""
    if not each.total_cases:
        return numbers.MISSING
    done = each.total_cases - each.error_cases if each.state.ended else each.done_cases
    total = numbers.count(each.total_cases)
    return total if done == each.total_cases else f"{numbers.count(done)} of {total}"


def _change(each: TypeProgress, against: str | None) -> str:
    """The verdict, the change, and what it is compared with: `▲ Improved +4.0 pp, v3`."""
    if each.verdict is None or each.verdict not in LOOKS:
        return numbers.MISSING
    look = LOOKS[each.verdict]
    return f"{look.glyph} {look.word} {numbers.delta_pp(each.delta_pp)}" + (f", {against}" if against else "")


def _mlflow_link(home: str, each: TypeProgress, baselines: Baselines) -> str | None:
    experiment = baselines.experiment(each.eval_type)
    return run_url(home, experiment.experiment_id, each.run_id) if experiment and each.run_id else None


def _how_to_go_on(store: Store, suite: SuiteRun) -> None:
    st.markdown("**To do what is missing**, here or in a terminal of a machine with the same settings:")
    st.code(suite_words.resume_command(suite.id), language=None)
    resume_button(st.container(horizontal=True), store, suite)
    said = last_words(store, suite.id)
    if said is not None:
        with st.expander("What its process wrote last, on this machine", icon=":material/terminal:"):
            st.code(said, language=None, wrap_lines=True)


def _ways_on(suite: SuiteRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if suite.candidate is not None:
            name, version = suite.candidate
            st.page_link(
                "pages/promote.py",
                label=f"Promote {escape(name)} v{version}",
                icon=":material/rocket_launch:",
                query_params={"prompt": name, "candidate": f"v{version}"},
            )
        st.page_link("pages/regressions.py", label="All regressions", icon=":material/trending_down:")
