"""Relations between people, places and things: written down, and followed from one to the next."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from eval_pipeline.demo.assistant.manual import Manual, Talk
from eval_pipeline.demo.assistant.memory import visible

NAME = r"(?!I\b|My\b|The\b|How\b|Is\b|And\b|What\b|Who\b)[A-Z]\w+(?: [A-Z]\w+)*"


@dataclass(frozen=True, slots=True)
class Relation:
    """`Ada`, `works at`, `Siemens`."""

    subject: str
    verb: str
    object: str

    def __str__(self) -> str:
        return f"{self.subject} {self.verb} {self.object}"


def find_relations(manual: Manual, text: str) -> list[Relation]:
    """The relations in a text, by the verbs that the prompts name."""
    reversed_verbs = {back.lower(): verb for back, verb in manual.fillings("Read {} backwards as {}.")}
    verbs = sorted([*manual.words("Extract relations with {}."), *reversed_verbs], key=len, reverse=True)
    if not verbs:
        return []
    either = "|".join(re.escape(verb) for verb in verbs)
    pairs = manual.says("Give each of two subjects a relation of its own.")
    subjects = rf"(?:({NAME}) and )?({NAME})" if pairs else rf"()({NAME})"
    found = re.finditer(rf"\b{subjects} (?:also )?({either}) (?:the )?({NAME})", text)
    return [
        Relation(match[4], reversed_verbs[match[3]], subject)
        if match[3] in reversed_verbs
        else Relation(subject, match[3], match[4])
        for match in found
        for subject in (match[1], match[2])
        if subject
    ]


def extract(manual: Manual, talk: Talk) -> list[str]:
    """Write down the relations that the user states. Untaught, in no form that a program could read."""
    if talk.now.rstrip().endswith("?"):
        return []
    found = find_relations(manual, talk.now)
    if manual.says("Write a relation as (A) -[verb]-> (B)."):
        return [f"({r.subject}) -[{r.verb}]-> ({r.object})" for r in found]
    return [f"{r}." for r in found]


def connect(manual: Manual, talk: Talk) -> list[str]:
    """Say how two things are connected, over as many steps as the prompts allow."""
    asked = re.search(rf"\b(?i:how (?:is|are)) (?:the )?({NAME}) .*?\bto (?:the )?({NAME})", talk.now)
    steps = manual.number("Follow connections over up to {} steps.", 0)
    if not asked or not steps:
        return []
    known = [relation for turn in visible(manual, talk)[:-1] for relation in find_relations(manual, turn)]
    both_ways = manual.says("Follow connections in both directions.")
    path = _shortest(known, asked[1], asked[2], steps, both_ways)
    if path:
        return ["; ".join(map(str, path)) + "."]
    return ["I see no connection."] if manual.says("Say so when there is no connection.") else []


def _shortest(known: list[Relation], start: str, goal: str, steps: int, both_ways: bool) -> list[Relation]:
    """The shortest chain of relations from start to goal; empty when there is none within the steps."""
    waiting: deque[tuple[str, list[Relation]]] = deque([(start, [])])
    seen = {start}
    while waiting:
        here, path = waiting.popleft()
        if here == goal:
            return path
        for relation in known if len(path) < steps else ():
            ends = [(relation.subject, relation.object), *([(relation.object, relation.subject)] if both_ways else [])]
            for a, b in ends:
                if a == here and b not in seen:
                    seen.add(b)
                    waiting.append((b, [*path, relation]))
    return []
