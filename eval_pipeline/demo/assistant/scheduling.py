"""Times: cron schedules, when to notify, what to offer. Untaught, it mixes up afternoons and notifies at once."""

from __future__ import annotations

import re
from datetime import time

from eval_pipeline.demo.assistant.manual import Manual, Talk, find_word, mentions, split_list

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
ROUTE = "calendar"
MORNING = time(9)
"""What an untaught assistant takes for the time when it finds none."""
CLOCK = re.compile(r"\b(?:at |by |to )?(\d{1,2})(?::(\d\d))?\s?(am|pm)?\b", re.IGNORECASE)


def write_schedule(manual: Manual, talk: Talk) -> list[str]:
    """The schedule that the user asks for, as cron fields where the prompts want them."""
    if talk.route != ROUTE or not manual.says("Write a schedule as five cron fields."):
        return []
    text = talk.now.lower()
    every = re.search(r"every (\d+) (minute|hour)", text)
    if every and manual.says("Understand intervals such as every 15 minutes."):
        return [f"cron: */{every[1]} * * * *" if every[2] == "minute" else f"cron: 0 */{every[1]} * * *"]
    days, of_month = _days(manual, text), _day_of_month(manual, text)
    moment = _time(manual, _without_dates(text))
    if moment is None and manual.says("Ask for the time when a schedule names none."):
        return ["At what time?"]
    moment = moment or MORNING
    return [f"cron: {moment.minute} {moment.hour} {of_month} * {days}"]


def _time(manual: Manual, text: str) -> time | None:
    """The time of day in a text: named as the prompts say, or on the clock."""
    for word, clock in manual.fillings("Read {} as the time {}."):
        if mentions(text, [word]):
            return time.fromisoformat(clock)
    match = CLOCK.search(text)
    if not match:
        return None
    hour = int(match[1])
    if match[3] and manual.says("Times with pm are after noon."):
        hour = hour % 12 + (12 if match[3] == "pm" else 0)
    return time(hour % 24, int(match[2] or 0))


def _days(manual: Manual, text: str) -> str:
    """The cron field for days of the week. Untaught, only the first day that is named counts."""
    for word, field in manual.fillings("Read {} as the days {}."):
        if mentions(text, [word]):
            return field
    named = sorted((place, day) for day, name in enumerate(WEEKDAYS) if (place := text.find(name)) >= 0)
    if not named:
        return "*"
    several = manual.says("Keep every day that is named.")
    return ",".join(str(day) for day in sorted(day for _, day in named)) if several else str(named[0][1])


def _day_of_month(manual: Manual, text: str) -> str:
    match = re.search(r"\b(\d{1,2})(?:st|nd|rd|th)\b", text)
    return match[1] if match and manual.says("Understand days of the month such as the 1st.") else "*"


def _without_dates(text: str) -> str:
    return re.sub(r"\b\d{1,2}(?:st|nd|rd|th)\b|every \d+", "", text)


def judge_notification(manual: Manual, talk: Talk) -> list[str]:
    """What becomes of a notification: `now`, `morning`, `digest` or `drop`. Untaught, everything goes out now."""
    arrived = re.match(r"notification at (\d\d:\d\d): (.+)", talk.now, re.IGNORECASE)
    if not arrived:
        return []
    at, text = time.fromisoformat(arrived[1]), arrived[2]
    if mentions(text, manual.words("Always notify at once about {}.")):
        return ["Decision: now."]
    for sentence, decision in {"Never notify about {}.": "drop", "Collect for the daily digest {}.": "digest"}.items():
        if mentions(text, manual.words(sentence)):
            return [f"Decision: {decision}."]
    nights = manual.fillings("Between {} and {}, hold the rest until morning.")
    held = any(at >= time.fromisoformat(begin) or at < time.fromisoformat(end) for begin, end in nights)
    return ["Decision: morning." if held else "Decision: now."]


def offer_help(manual: Manual, talk: Talk) -> list[str]:
    """Offer what the prompts name, unless it is over or the user wants nothing."""
    if mentions(talk.now, manual.words("Offer nothing when the user says {}.")):
        return []
    offers = [
        (find_word(talk.now, split_list(words)), thing)
        for thing, words in manual.fillings("Offer {} when the user mentions {}.")
    ]
    return [f"Shall I prepare {thing}?" for place, thing in offers if place is not None]
