"""What two sequences of lines or words have in common, in reasonable time whatever they hold.

difflib gives the best answer and takes quadratic time. Long sequences are therefore first cut at the items that occur
exactly once in both (patience diff), and difflib sees only the stretches between those; a stretch that is still too
long counts as replaced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

MOST_PAIRS = 250_000
"""Pairs of items that difflib may have to look at: about 20 ms."""

Match = tuple[int, int, int]
"""Begin in the first sequence, begin in the second, length."""


def matches(a: Sequence[str], b: Sequence[str]) -> list[Match]:
    """The stretches that both have, in order in both; never overlapping, not always as long as possible."""
    found: list[Match] = []
    for i, j, length in _match(a, b, 0, len(a), 0, len(b)):
        if found and found[-1][0] + found[-1][2] == i and found[-1][1] + found[-1][2] == j:
            found[-1] = (*found[-1][:2], found[-1][2] + length)
        elif length:
            found.append((i, j, length))
    return found


def gaps(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Both sequences as alternating stretches: whether they are equal there, and begin and end in each."""
    i = j = 0
    for at, to, length in [*matches(a, b), (len(a), len(b), 0)]:
        if at > i or to > j:
            yield False, i, at, j, to
        if length:
            yield True, at, at + length, to, to + length
        i, j = at + length, to + length


def _match(a: Sequence[str], b: Sequence[str], i1: int, i2: int, j1: int, j2: int) -> Iterator[Match]:
    head, shorter = 0, min(i2 - i1, j2 - j1)
    while head < shorter and a[i1 + head] == b[j1 + head]:
        head += 1
    tail = 0
    while tail < shorter - head and a[i2 - tail - 1] == b[j2 - tail - 1]:
        tail += 1
    yield i1, j1, head
    yield from _middle(a, b, i1 + head, i2 - tail, j1 + head, j2 - tail)
    yield i2 - tail, j2 - tail, tail


def _middle(a: Sequence[str], b: Sequence[str], i1: int, i2: int, j1: int, j2: int) -> Iterator[Match]:
    if (i2 - i1) * (j2 - j1) <= MOST_PAIRS:
        blocks = SequenceMatcher(None, a[i1:i2], b[j1:j2], autojunk=False).get_matching_blocks()
        yield from ((i1 + i, j1 + j, length) for i, j, length in blocks)
        return
    anchors = _anchors(a[i1:i2], b[j1:j2])
    i, j = i1, j1
    for at, to in [(i1 + x, j1 + y) for x, y in anchors] + ([(i2, j2)] if anchors else []):
        yield from _match(a, b, i, at, j, to)
        if at < i2:
            yield at, to, 1
        i, j = at + 1, to + 1


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """The longest run, ascending in both, of pairs of items that occur exactly once in each."""
    in_a, in_b = Counter(a), Counter(b)
    place = {item: index for index, item in enumerate(b) if in_b[item] == 1}
    pairs = [(i, place[item]) for i, item in enumerate(a) if in_a[item] == 1 and item in place]
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        before.append(last[pile - 1] if pile else -1)
        tops[pile:], last[pile:] = [j, *tops[pile + 1 :]], [index, *last[pile + 1 :]]
    chain: list[tuple[int, int]] = []
    index = last[-1] if last else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]
