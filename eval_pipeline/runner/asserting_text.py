"""What can be seen in the text of an output alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

from eval_pipeline.core.datasets import DistanceAssertion, ListAssertion, RegexAssertion, TextAssertion
from eval_pipeline.runner.grading import Observed, fact, quoted

CASELESS = "i"
"""`icontains...` is `contains...` with upper and lower case alike."""


def observe_text(output: str, assertion: TextAssertion) -> Observed:
    """Whether the output is, contains or starts with the text."""
    text = quoted(assertion.value)
    if assertion.kind == "equals":
        return fact(output == assertion.value, f"is {text}", f"is not {text}")
    if assertion.kind == "starts-with":
        return fact(output.startswith(assertion.value), f"starts with {text}", f"does not start with {text}")
    return fact(bool(_found(output, [assertion.value], assertion.kind)), f"contains {text}", f"does not contain {text}")


def observe_list(output: str, assertion: ListAssertion) -> Observed:
    """Whether the output contains any or all of the texts."""
    found = _found(output, assertion.value, assertion.kind)
    missing = [text for text in assertion.value if text not in found]
    if assertion.kind.endswith("any"):
        return fact(bool(found), f"contains {_listed(found)}", f"contains none of {_listed(assertion.value)}")
    return fact(not missing, f"contains all of {_listed(assertion.value)}", f"does not contain {_listed(missing)}")


def observe_regex(output: str, assertion: RegexAssertion) -> Observed:
    """Whether the regular expression matches somewhere. Nothing bounds the time that takes."""
    match = re.search(assertion.value, output)
    pattern, found = quoted(assertion.value), quoted(match[0]) if match else ""
    return fact(match is not None, f"{found} matches {pattern}", f"nothing matches {pattern}")


def observe_distance(output: str, assertion: DistanceAssertion) -> Observed:
    """Whether the output is near enough to the text."""
    from rapidfuzz.distance import Levenshtein

    distance = Levenshtein.distance(output, assertion.value, score_cutoff=assertion.threshold)
    text = quoted(assertion.value)
    near, far = f"is {distance} edits from {text}", f"is more than {assertion.threshold} edits from {text}"
    return fact(distance <= assertion.threshold, near, far)


def _found(output: str, texts: Iterable[str], kind: str) -> list[str]:
    if not kind.startswith(CASELESS):
        return [text for text in texts if text in output]
    folded = output.casefold()
    return [text for text in texts if text.casefold() in folded]


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(quoted(text) for text in texts)
