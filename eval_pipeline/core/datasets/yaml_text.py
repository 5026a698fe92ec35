"""Reading YAML as far as it says what JSON can: texts, numbers, lists and objects, with anchors in measure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from eval_pipeline.core.datasets.parsed import FindLine, Flaw, Parsed, Unreadable
from eval_pipeline.core.datasets.part import Place

if TYPE_CHECKING:
    import yaml

DEEPEST = 100
"""Levels of lists and objects within each other."""
LARGEST = 100_000
"""So many values may come from aliases beyond those that are written."""
TAG = "tag:yaml.org,2002:"
NOT_RESOLVED = (TAG + "timestamp", TAG + "value")
"""Dates and `=` stay texts."""


class _FlawError(Exception):
    """Ends the reading."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.flaw = Flaw(line, f"no valid YAML: {message}")


def parse_yaml(text: str) -> Parsed | Unreadable:
    """The values in YAML text. Keys that are written twice, other tags and aliases without measure are flaws."""
    import yaml

    try:
        _measure(text)
        node, data = _build(text)
    except _FlawError as problem:
        return Unreadable((problem.flaw,))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = min(mark.line + 1, _last_line(text)) if mark else None
        return Unreadable((Flaw(line, f"no valid YAML: {problem.problem}"),))
    except yaml.YAMLError as problem:  # characters that YAML has no place for
        return Unreadable((Flaw(None, f"no valid YAML: {' '.join(str(problem).split())}"),))
    return Parsed(data, _finder(node, _last_line(text)))


def _last_line(text: str) -> int:
    """The library may see a mistake behind the end."""
    return text.count("\n") + 1


def _measure(text: str) -> None:
    """Refuse what would take without measure to build: deep nesting, and aliases of aliases ("billion laughs")."""
    import yaml

    measured = _Measured()
    for event in yaml.parse(text, Loader=_loader()):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.NodeEvent):
            tag = getattr(event, "tag", None)
            if tag not in (None, "!", TAG + "str"):
                raise _FlawError(line, f"the tag {tag} is not allowed: a dataset is data only")
        if isinstance(event, yaml.AliasEvent):
            measured.repeat(event.anchor or "", line)
        elif isinstance(event, yaml.ScalarEvent):
            measured.add(1, event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            measured.open(event.anchor, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            measured.close()


@dataclass(slots=True)
class _Measured:
    """How many values a text stands for, with each alias counted as all that it repeats."""

    parts: list[tuple[str | None, int]] = field(default_factory=list)
    """The lists and objects that are not closed yet: anchor, and values so far."""
    sizes: dict[str, int] = field(default_factory=dict)
    """The values of each anchor."""
    repeated: int = 0

    def open(self, anchor: str | None, line: int) -> None:
        self.parts.append((anchor, 1))
        if len(self.parts) > DEEPEST:
            raise _FlawError(line, "it is nested too deeply")

    def close(self) -> None:
        anchor, size = self.parts.pop()
        self.add(size, anchor)

    def add(self, size: int, anchor: str | None) -> None:
        if anchor:
            self.sizes[anchor] = size
        if self.parts:
            outer, before = self.parts[-1]
            self.parts[-1] = outer, before + size

    def repeat(self, anchor: str, line: int) -> None:
        if anchor not in self.sizes:
            raise _FlawError(line, f"*{anchor} refers to nothing that is complete before it")
        self.repeated += self.sizes[anchor]
        if self.repeated > LARGEST:
            raise _FlawError(line, "aliases make it too large")
        self.add(self.sizes[anchor], None)


@cache
def _loader() -> Any:
    """A loader of plain data, in C where the library has it."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag not in NOT_RESOLVED]
        for first, found in base.yaml_implicit_resolvers.items()
    }
    loader: Any = type("PlainLoader", (base,), {"yaml_implicit_resolvers": resolvers})
    loader.add_constructor(TAG + "int", lambda self, node: _number(node, self.construct_yaml_int))
    loader.add_constructor(TAG + "float", lambda self, node: _number(node, self.construct_yaml_float))
    return loader


def _number(node: yaml.ScalarNode, construct: Any) -> Any:
    try:
        number = construct(node)
        usable = math.isfinite(number)
    except (ValueError, OverflowError):
        usable = False
    if not usable:
        raise _FlawError(node.start_mark.line + 1, f"{node.value[:20]} is no number that can be used")
    return number


def _build(text: str) -> tuple[yaml.Node | None, Any]:
    loader = _loader()(text)
    try:
        node = loader.get_single_node()
        _check_keys(node, set())  # before building: that writes merged keys into the nodes
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _check_keys(node: yaml.Node | None, seen: set[int]) -> None:
    """Refuse keys that are written twice or are no text."""
    import yaml

    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            _check_key(key, keys)
            _check_keys(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _check_keys(each, seen)


def _check_key(key: yaml.Node, keys: set[str]) -> None:
    line = key.start_mark.line + 1
    if key.tag == TAG + "merge":
        return
    if key.tag != TAG + "str":
        raise _FlawError(line, f"a field is named by text: put {str(key.value)[:20]} in quotes")
    if key.value in keys:
        raise _FlawError(line, f"{key.value!r} is written twice")
    keys.add(key.value)


def _finder(root: yaml.Node | None, last_line: int) -> FindLine:
    """Lines by walking down the nodes."""

    def find_line(place: Place) -> int:
        node, line = root, root.start_mark.line if root else 0
        for step in place:
            found = _step(node, step)
            if found is None:
                break
            line, node = found
        return min(line + 1, last_line)

    return find_line


def _step(node: yaml.Node | None, step: int | str) -> tuple[int, yaml.Node] | None:
    """The line (from 0) and the node one step further down; `None` where nothing is."""
    import yaml

    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step].start_mark.line, node.value[step]
    if isinstance(node, yaml.MappingNode):
        # The last one counts: keys merged by `<<` come first.
        return next(((k.start_mark.line, value) for k, value in reversed(node.value) if k.value == step), None)
    return None
