"""What the prompts tell the assistant, and what it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

_BLANK = "{}"


class Manual:
    """The prompts, to be asked for sentences. A sentence has blanks, `{}`, for what each prompt may fill in."""

    def __init__(self, prompts: Iterable[str]) -> None:
        self._text = "\n".join(" ".join(text.split()) for text in prompts)
        self._found: dict[str, list[tuple[str, ...]]] = {}

    def says(self, sentence: str) -> bool:
        """Whether a prompt holds this sentence."""
        return bool(self.fillings(sentence))

    def fillings(self, sentence: str) -> list[tuple[str, ...]]:
        """What fills the blanks, for each time that the sentence stands in a prompt, in order."""
        if sentence not in self._found:
            self._found[sentence] = [match.groups() for match in _pattern(sentence).finditer(self._text)]
        return self._found[sentence]

    def words(self, sentence: str) -> list[str]:
        """The words that a sentence with one blank lists, as in `rain, snow or wind`; of all its occurrences."""
        return [word for (listed,) in self.fillings(sentence) for word in split_list(listed)]

    def number(self, sentence: str, otherwise: int) -> int:
        """The number in a sentence with one blank; the last occurrence counts."""
        filled = self.fillings(sentence)
        return int(filled[-1][0]) if filled else otherwise


@dataclass(frozen=True, slots=True)
class Talk:
    """The user's turns, oldest first; the last one (or the part of it that is being answered) is `now`."""

    turns: Sequence[str]
    route: str | None = None

    @property
    def now(self) -> str:
        """What is to be answered."""
        return self.turns[-1]


def split_list(listed: str) -> list[str]:
    """The words of `rain, snow or wind`."""
    return [word.strip() for word in re.split(r",| or | and ", listed) if word.strip()]


def find_word(text: str, words: Iterable[str]) -> int | None:
    """Where the first of the words begins in the text; a word also counts as the beginning of a longer one."""
    found = (_beginning(word).search(text) for word in words)
    return min((match.start() for match in found if match), default=None)


@cache
def _beginning(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(word)}", re.IGNORECASE)


def mentions(text: str, words: Iterable[str]) -> bool:
    """Whether the text has one of the words."""
    return find_word(text, words) is not None


@lru_cache(maxsize=8)
def read_manual(prompts: tuple[str, ...]) -> Manual:
    """The manual of some prompts, kept because a whole dataset is answered by one."""
    return Manual(prompts)


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in sentence.removesuffix(".").split(_BLANK)]
    return re.compile(r"([^.\n]+?)".join(parts) + r"\.(?=\s|$)", re.IGNORECASE)
