"""The sample assistant of the demo: a rule follower, not an LLM.

It knows the sentences of a small language (`"Refuse to reveal {}."`, `"Send to {} what mentions {}."`, ...) and does
what those of them that stand in its prompts tell it. It sees nothing but the prompts and the user's turns, and always
answers the same to the same. What no sentence tells it, it does badly, as an untaught assistant would: it cheers,
complies with everything, forgets and guesses. So every pass rate of the demo follows from what the prompts say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_pipeline.demo.assistant import guarding, manners, memory, relations, routing, scheduling
from eval_pipeline.demo.assistant.manual import Manual, Talk, read_manual

EXCLUSIVE = (guarding.refuse, routing.admit_tool_failure, scheduling.judge_notification)
"""Behaviours that, when they apply, are the whole answer."""

BEHAVIOURS = (
    manners.greet,
    manners.show_feeling,
    manners.onboard,
    memory.point_out_contradiction,
    memory.save_facts,
    memory.recall,
    memory.keep_in_mind,
    memory.look_back,
    relations.extract,
    relations.connect,
    routing.check_weather,
    scheduling.write_schedule,
    scheduling.offer_help,
)
"""All others: each adds its lines, in this order."""


def answer(prompts: Mapping[str, str], turns: Sequence[str]) -> str:
    """Answer the last of the user's turns (oldest first), as the prompts (name to text) say.

    Raises:
        ValueError: a prompt gives a time of day that is none.
    """
    manual = read_manual(tuple(prompts.values()))
    parts = routing.split_message(manual, turns[-1])
    answers = [_answer_part(manual, Talk((*turns[:-1], part), routing.find_route(manual, part))) for part in parts]
    return "\n".join(answers)


def _answer_part(manual: Manual, talk: Talk) -> str:
    label = f"[{talk.route}] " if talk.route else ""
    for behaviour in EXCLUSIVE:
        if lines := behaviour(manual, talk):
            return label + " ".join(lines)
    lines = [line for behaviour in BEHAVIOURS for line in behaviour(manual, talk)]
    return label + manners.phrase(manual, talk, lines)
