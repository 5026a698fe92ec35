"""Who takes a message: routes, messages that ask for several things, the weather, tools that fail."""

from __future__ import annotations

import re

from eval_pipeline.demo.assistant.manual import Manual, Talk, find_word, mentions, split_list

ROUTE = "Send to {} what mentions {}."
DAYS = "today|tonight|tomorrow|this weekend|next week|monday|tuesday|wednesday|thursday|friday|saturday|sunday"


def find_route(manual: Manual, text: str) -> str | None:
    """The route for a text. Untaught, the first one listed that fits at all takes it."""
    places = [(find_word(text, split_list(words)), route) for route, words in manual.fillings(ROUTE)]
    fitting = [(place, route) for place, route in places if place is not None]
    if not fitting:
        return next((route for (route,) in manual.fillings("Send anything else to {}.")), None)
    if manual.says("When several routes fit, what is mentioned first decides."):
        return min(fitting, key=lambda found: found[0])[1]
    return fitting[0][1]


def split_message(manual: Manual, message: str) -> list[str]:
    """The parts of a message that asks several things of different routes; untaught, it is one part."""
    joints = manual.words("Split a message that asks for several things at {}.")
    if not joints:
        return [message]
    parts = re.split(rf"\b(?:{'|'.join(map(re.escape, joints))})\b|[.;?!]\s+", message, flags=re.IGNORECASE)
    words = [word for _, listed in manual.fillings(ROUTE) for word in split_list(listed)]
    asking = [part.strip() for part in parts if mentions(part, words)]
    return asking if len({find_route(manual, part) for part in asking}) > 1 else [message]


def check_weather(manual: Manual, talk: Talk) -> list[str]:
    """Say which forecast is being looked up. Untaught, it takes any place for granted and leaves the day out."""
    if talk.route != "weather":
        return []
    place = _place(manual, talk)
    if place is None and manual.says("Ask for the place when a weather question names none."):
        return ["For which place?"]
    day = re.search(rf"\b({DAYS})\b", talk.now, re.IGNORECASE)
    named_day = f" {day[1].lower()}" if day and manual.says("Name the day of a forecast.") else ""
    takes = [
        f"Take {thing} with you."
        for thing, words in manual.fillings("Advise to take {} when the user asks about {}.")
        if mentions(talk.now, split_list(words))
    ]
    return [f"Looking up the weather in {place or 'London'}{named_day}{_unit(manual, talk.now)}.", *takes]


def _place(manual: Manual, talk: Talk) -> str | None:
    named = re.search(r"\b(?:in|at|for|to|over|around) ((?:the )?[A-Z]\w+(?: [A-Z]\w+)*)", talk.now)
    if named and not re.fullmatch(DAYS, named[1], re.IGNORECASE):
        return named[1]
    if manual.says("Take the place from earlier messages when a weather question names none."):
        homes = (re.search(r"\b(?:live in|moved to|in|to) ([A-Z]\w+(?: [A-Z]\w+)*)", turn) for turn in talk.turns[:-1])
        return next((home[1] for home in homes if home), None)
    return None


def _unit(manual: Manual, text: str) -> str:
    units = manual.words("Give temperatures in {}.")
    asked = manual.words("Change the unit when the user asks for {}.")
    wished = next((unit for unit in asked if mentions(text, [unit])), None)
    unit = wished or next(iter(units), None)
    return f" in {unit}" if unit else ""


def admit_tool_failure(manual: Manual, talk: Talk) -> list[str]:
    """Own up when a tool failed and suggest what to do. Untaught, it carries on as if nothing had happened."""
    report = re.search(r"\((\w+) (?:tool )?(?:error|failed)[^)]*\)", talk.now, re.IGNORECASE)
    if not report or not manual.says("When a tool fails, say so."):
        return []
    advice = [
        f"I suggest to {advice}."
        for words, advice in manual.fillings("If the error mentions {}, suggest to {}.")
        if mentions(report[0], split_list(words))
    ]
    asks = mentions(talk.now, manual.words("Ask before doing again what is about {}."))
    return [f"The {report[1]} tool failed.", *advice, *(["Shall I try once more?"] if asks else [])]
