"""How the assistant sounds: greetings, feelings, new users, phrasing. Untaught, it is breezy with everyone."""

from __future__ import annotations

import re

from eval_pipeline.demo.assistant.manual import Manual, Talk, mentions, split_list

OPENING, NOTHING_TO_SAY = "Sure thing!", "Here you go!"


def greet(manual: Manual, talk: Talk) -> list[str]:
    """Greet back, by name and time of day where the prompts say so; and what else they say to answer to set phrases."""
    lines = [
        said
        for words, said in manual.fillings("When the user says {}, reply: {}.")
        if mentions(talk.now, split_list(words))
    ]
    if not mentions(talk.now, manual.words("Greet the user back when they say {}.")):
        return [f"{line}." for line in lines]
    name = _name(manual, talk)
    part_of_day = re.search(r"\bgood (morning|afternoon|evening)", talk.now, re.IGNORECASE)
    follows_day = part_of_day and manual.says("Answer a greeting that names the time of day with the same one.")
    greeting = f"Good {part_of_day[1].lower()}" if part_of_day and follows_day else "Hello"
    return [f"{greeting}, {name}." if name else f"{greeting}.", *(f"{line}." for line in lines)]


def _name(manual: Manual, talk: Talk) -> str | None:
    if not manual.says("Use the user's name when you know it."):
        return None
    openings = manual.words("The name follows after {}.")
    either = "|".join(re.escape(opening) for opening in openings)
    named = [re.search(rf"\b(?i:{either}) ([A-Z]\w+)", turn) for turn in talk.turns] if openings else []
    return next((match[1] for match in reversed(named) if match), None)


def show_feeling(manual: Manual, talk: Talk) -> list[str]:
    """Apologise, sympathise and congratulate on what the prompts name."""
    return [
        line
        for sentence, line in {
            "Apologise first when the user says {}.": "I am sorry about that.",
            "Show sympathy when the user mentions {}.": "I am sorry to hear that.",
            "Congratulate the user on {}.": "Congratulations.",
        }.items()
        if mentions(talk.now, manual.words(sentence))
    ]


def onboard(manual: Manual, talk: Talk) -> list[str]:
    """Welcome a new user, ask one thing a turn, then explain."""
    words = manual.words("Welcome users who say {}.")
    since = next((len(talk.turns) - 1 - i for i, turn in enumerate(talk.turns) if mentions(turn, words)), None)
    if since is None:
        return []
    welcome = ["Welcome."] if since == 0 else []
    questions = manual.words("Ask a new user, one thing a turn, for their {}.")
    stopped = any(mentions(turn, manual.words("Stop asking a new user who says {}.")) for turn in talk.turns)
    if since < len(questions) and not stopped:
        return [*welcome, f"What is your {questions[since]}?"]
    return [*welcome, *(f"{told}." for (told,) in manual.fillings("After that, tell a new user: {}."))]


def phrase(manual: Manual, talk: Talk, lines: list[str]) -> str:
    """Put the lines into words. Slang, exclamation marks and chatter go where the prompts forbid them."""
    hurried = mentions(talk.now, manual.words("Leave out the opening when the user says {}."))
    slang = manual.words("Avoid slang such as {}.")
    opening = "Certainly." if OPENING.rstrip("!") in slang else OPENING
    text = " ".join([*([] if hurried else [opening]), *(lines or [NOTHING_TO_SAY])])
    return text.replace("!", ".") if manual.says("Do not use exclamation marks.") else text
