"""Charts for those who don't see them: in words what each shows, and as a table what it draws.

The words are the chart's `description`, which a browser gives to screen readers as the name of the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from eval_pipeline.core.power import Plan
from eval_pipeline.core.trends import rate_direction
from eval_pipeline.report import numbers
from eval_pipeline.report.charts.bands import interval_words, with_intervals
from eval_pipeline.report.charts.buckets import Bucket, bucket_label, choose_bucket, worst_runs
from eval_pipeline.report.charts.events import event_words
from eval_pipeline.report.charts.rows import run_words
from eval_pipeline.report.frames import naive_times, timed
from eval_pipeline.report.looks import EVENTS, LOOKS, NOT_EVIDENCE
from eval_pipeline.report.power import power_frame, sentence

MOST_TYPES, MOST_EVENTS = 8, 10
"""So many eval types and prompt events are told one by one."""
LONGEST_NAME, LONGEST_NAMES = 60, 200


def say_trend(runs: pd.DataFrame, drawn: int, told: pd.DataFrame) -> str:
    """What the focus chart of a `runs_frame` shows; `drawn` runs of it are drawn, with the events of `told`."""
    known, names = timed(runs), _names(runs)
    what = numbers.shortened(", ".join(names), LONGEST_NAMES)
    said = [f"Pass rate over time of {what}: {numbers.counted(len(runs), 'run')}, {_stretch(known)}."]
    if drawn < len(known):
        said.append(f"{numbers.count(drawn)} are drawn: the lowest and highest of each stretch, and flagged runs.")
    if len(runs) > len(known):
        said.append(f"{numbers.counted(len(runs) - len(known), 'run')} without a start time not drawn.")
    said += [f"{_course(known[known['eval_type'].eq(name)])}." for name in names[:MOST_TYPES]]
    if len(names) > MOST_TYPES:
        said.append(f"{len(names) - MOST_TYPES} more eval types.")
    return " ".join([*said, _unproven(known), f"Prompt events: {len(told)}{_events(told)}."])


def say_cell(history: pd.DataFrame) -> str:
    """What the small chart of one eval type's timed runs shows."""
    return f"Pass rate of {_course(history)}, {_stretch(history)}."


def say_heatmap(names: Sequence[str], columns: int, bucket: Bucket, worst: pd.DataFrame) -> str:
    """What a heatmap shows: `names` are its rows, worst now first, `worst` the runs in its cells."""
    hit = worst.loc[worst["regressions"].gt(0), "eval_type"].unique().tolist()
    regressed = ", ".join(sorted(hit))
    types = numbers.counted(len(names), "eval type")
    newest = worst[~worst["state"].isin(NOT_EVIDENCE)].sort_values("started").groupby("eval_type").tail(1)
    below = int(newest["margin_pp"].lt(0).sum())
    return " ".join(
        [
            f"Margin to the threshold of {types} over {numbers.counted(columns, bucket.name)}, {_stretch(worst)}.",
            f"Worst now: {numbers.shortened(names[0], LONGEST_NAME)}. Below the threshold at the end: {below}.",
            f"Regressions in {numbers.shortened(regressed, LONGEST_NAMES)}." if hit else "No regressions.",
        ]
    )


def say_power(plan: Plan) -> str:
    """What the chart of a plan shows."""
    return f"Chance to show a drop from {numbers.threshold(plan.rate)}, by its size. {sentence(plan)}"


def run_table(runs: pd.DataFrame, band: bool = False) -> pd.DataFrame:
    """The runs of a `runs_frame` as people read them, newest first; `Started` is naive, in the runs' zone."""
    newest_first = runs.sort_values("started", ascending=False, kind="stable", na_position="last")
    rows = with_intervals(newest_first.reset_index(drop=True))
    words = run_words(rows)
    return pd.DataFrame(
        {
            "Eval type": rows["eval_type"],
            "Started": naive_times(rows["started"]),
            "Result": words["said"],
            "Pass rate": words["rate"],
            **({"95% interval": interval_words(rows)} if band else {}),
            "Change": words["change"],
            "Threshold": words["needed"],
            "Prompts": words["versions"],
            "Run": rows["run_id"].str.slice(0, 8),
        }
    )


def event_table(events: pd.DataFrame) -> pd.DataFrame:
    """The events of an `events_frame` as people read them, newest first; those without a time come last."""
    newest_first = events.sort_values("at", ascending=False, kind="stable", na_position="last").reset_index(drop=True)
    words = event_words(newest_first)
    titles = {"what": "Event", "prompt": "Prompt", "short": "Version", "actor": "By", "seen_in": "Seen in"}
    return pd.DataFrame({"At": words["when"], **{title: words[name] for name, title in titles.items()}})


def heatmap_table(runs: pd.DataFrame) -> pd.DataFrame:
    """The margin of the worst run of each eval type (rows) and stretch of time (columns, newest first), as text."""
    known = timed(runs)
    bucket = choose_bucket(known["started"])
    worst = worst_runs(known, bucket)
    said = [
        f"{LOOKS[state].glyph} {LOOKS[state].word if state in NOT_EVIDENCE else numbers.delta_pp(margin)}"
        for state, margin in zip(worst["state"], worst["margin_pp"], strict=True)
    ]
    cells = worst.assign(said=said).pivot(index="eval_type", columns="begin", values="said")
    newest_first = cells[sorted(cells.columns, reverse=True)].fillna("")
    titles = [bucket_label(pd.Timestamp(begin), bucket) for begin in newest_first.columns]
    return newest_first.set_axis(titles, axis="columns").rename_axis("Eval type").reset_index()


def power_table(plan: Plan) -> pd.DataFrame:
    """The chance to show a drop, by its size (rows) and the number of cases (columns)."""
    rows = power_frame(plan)
    chances = rows.pivot(index="drop_pp", columns="setup", values="chance")[list(dict.fromkeys(rows["setup"]))]
    return chances.fillna(numbers.MISSING).rename_axis(columns=None).rename_axis("Drop, points").reset_index()


def _names(runs: pd.DataFrame) -> list[str]:
    return [str(name) for name in dict.fromkeys(runs["eval_type"])]


def _stretch(known: pd.DataFrame) -> str:
    first, last = (numbers.day(each) for each in (known["started"].min(), known["started"].max()))
    return f"on {first}" if first == last else f"{first} to {last}"


def _course(history: pd.DataFrame) -> str:
    """From where to where one eval type went: `tone: 84.0% to 72.0% over 13 complete runs, threshold 80%, ...`."""
    name = numbers.shortened(str(history["eval_type"].iloc[0]), LONGEST_NAME) if len(history) else ""
    complete = history[~history["state"].isin(NOT_EVIDENCE)]
    if complete.empty:
        return f"{name}: no complete run of {len(history)}"
    newest, rates = complete.iloc[-1], complete["pass_rate"].tolist()
    last = numbers.rate_against(newest["pass_rate"], newest["threshold"])
    limit = numbers.threshold(newest["threshold"])
    state = LOOKS[newest["state"]].word.lower()
    if len(complete) == 1:
        return f"{name}: {last} in one complete run, threshold {limit}, {state}"
    runs = numbers.counted(len(complete), "complete run")
    heading = rate_direction(rates).value
    return f"{name}: {numbers.rate(rates[0])} to {last} over {runs}, threshold {limit}, {heading}, newest: {state}"


def _unproven(known: pd.DataFrame) -> str:
    counts = known["state"].value_counts()
    found = [f"{numbers.count(int(counts[s]))} {LOOKS[s].word.lower()}" for s in LOOKS if s in counts]
    return f"By result: {', '.join(found)}."


def _events(told: pd.DataFrame) -> str:
    """The newest events, in brackets."""
    newest = told.sort_values("at").tail(MOST_EVENTS)[::-1]
    said = [
        f"{'' if kind == 'change' else f'{EVENTS[kind].word.lower()} '}{numbers.shortened(short, LONGEST_NAME)} on "
        f"{numbers.day(at)}"
        for kind, short, at in zip(newest["kind"], newest["short"], newest["at"], strict=True)
    ]
    more = ["and earlier ones"] if len(told) > MOST_EVENTS else []
    return f" ({', '.join([*said, *more])})" if said else ""
