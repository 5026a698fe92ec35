"""What the assistant remembers of the user. Untaught, it sees two messages, keeps nothing and guesses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eval_pipeline.demo.assistant.manual import Manual, Talk, mentions, split_list

DEFAULT_LOOK_BACK = 2
SMALL_WORDS = frozenset(
    ["i", "my", "is", "am", "a", "an", "the", "in", "at", "to", "are", "for", "as", "of", "on", "with"]
) | frozenset(["do", "you", "your", "what", "where", "which", "who"])


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the user said of themselves: `I live in` and `Rome`."""

    opening: str
    value: str

    def __str__(self) -> str:
        return f"{self.opening} {self.value}"


def visible(manual: Manual, talk: Talk) -> list[str]:
    """The turns that the assistant looks back over, the present one included."""
    return list(talk.turns[-manual.number("Look back over the last {} messages.", DEFAULT_LOOK_BACK) :])


def find_facts(manual: Manual, turns: list[str]) -> list[Fact]:
    """The facts in some turns, oldest first: what follows the openings that the prompts name."""
    openings = sorted(manual.words("Remember what the user says after {}."), key=len, reverse=True)
    if not openings:
        return []
    pattern = rf"\b({'|'.join(map(re.escape, openings))}) (.+?)(?=[.,;:!?]|\band\b|\bbut\b|$)"
    found = [match for turn in turns if not _asks(turn) for match in re.finditer(pattern, turn, re.IGNORECASE)]
    return [Fact(match[1], match[2].strip()) for match in found]


def save_facts(manual: Manual, talk: Talk) -> list[str]:
    """Confirm what it will keep, but for what the prompts say never to keep."""
    unwanted = [*manual.words("Never save {}."), *manual.words("Do not save what the user only imagines, as in {}.")]
    if not manual.says("Confirm each new fact with the word Saved.") or mentions(talk.now, unwanted):
        return []
    return [f"Saved: {fact}." for fact in find_facts(manual, [talk.now])]


def recall(manual: Manual, talk: Talk) -> list[str]:
    """Answer a question about the user. Of several answers the first counts, unless the prompts say the newest."""
    if not _asks(talk.now) or not re.search(r"\b(I|my|me)\b", talk.now):
        return []
    known = [fact for fact in find_facts(manual, visible(manual, talk)[:-1]) if _is_about(fact, talk.now)]
    if known and manual.says("Answer questions about the user from what they told you."):
        newest = manual.says("When a fact changes, the newest one holds.")
        return [f"You told me: {known[-1 if newest else 0]}."]
    admits = manual.says("Say that you do not know what the user has not told you.")
    return ["I don't know that yet."] if admits and not known else []


def keep_in_mind(manual: Manual, talk: Talk) -> list[str]:
    """Name what is known of the user where they want something that it bears on."""
    if not mentions(talk.now, manual.words("Keep what you know in mind when the user wants {}.")):
        return []
    facts = find_facts(manual, visible(manual, talk))
    return [f"With this in mind: {', '.join(map(str, facts))}."] if facts else []


def point_out_contradiction(manual: Manual, talk: Talk) -> list[str]:
    """Ask which of two facts holds when a new one contradicts one from earlier turns."""
    if not manual.says("Point out a new fact that contradicts an earlier one."):
        return []
    several = [word.lower() for word in manual.words("Several facts may hold after {}.")]
    opposites = [split_list(pair) for pair in _pairs(manual)]
    old, new = find_facts(manual, visible(manual, talk)[:-1]), find_facts(manual, [talk.now])
    for fact in new:
        for earlier in old:
            same = fact.opening.lower() == earlier.opening.lower() and fact.opening.lower() not in several
            differs = fact.value.lower() != earlier.value.lower()
            opposite = any(mentions(str(fact), [a]) and mentions(str(earlier), [b]) for a, b in opposites)
            if (same and differs) or opposite:
                return [f"Earlier you said: {earlier}. Now: {fact}. Which one holds?"]
    return []


def look_back(manual: Manual, talk: Talk) -> list[str]:
    """Quote the first message and sum up, where the prompts allow it, as far as it looks back."""
    turns = visible(manual, talk)[:-1]
    quotes = mentions(talk.now, manual.words("Quote the first message when asked about {}."))
    sums_up = mentions(talk.now, manual.words("List the facts so far when asked for {}."))
    facts = find_facts(manual, turns)
    return [
        *([f'You began with: "{turns[0]}"'] if quotes and turns else []),
        *([f"So far: {', '.join(map(str, facts))}."] if sums_up and facts else []),
    ]


def _pairs(manual: Manual) -> list[str]:
    told = manual.fillings("Treat {} and {} as opposites.")
    return [f"{a}, {b}" for a, b in told] + [f"{b}, {a}" for a, b in told]


def _asks(turn: str) -> bool:
    return turn.rstrip().endswith("?")


def _is_about(fact: Fact, question: str) -> bool:
    """Whether fact and question share a word that carries meaning, compared by its first four letters."""
    asked, told = _stems(question), _stems(fact.opening)
    return bool(told & asked)


def _stems(text: str) -> set[str]:
    return {word[:4] for word in re.findall(r"[a-z]+", text.lower()) if word not in SMALL_WORDS}
