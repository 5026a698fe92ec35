"""From prompt templates and a case to the messages that open a chat."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from eval_pipeline.core.jobs import Message
from eval_pipeline.runner.calls import NoAnswer
from eval_pipeline.runner.templates import Named, open_chat


def system(text: str) -> Message:
    return {"role": "system", "content": text}


def user(text: str) -> Message:
    return {"role": "user", "content": text}


@pytest.mark.parametrize(
    ("templates", "messages"),
    [
        ([], [user("hi")]),
        ([("a", "A."), ("b", "B.")], [system("A.\n\nB."), user("hi")]),
        ([("a", "In {{city}}, {{ city }}.")], [system("In Rome, Rome."), user("hi")]),
        (
            [("a", 'Not {{}}, {city}, {{ "city" }} or {{a b}}.')],
            [system('Not {{}}, {city}, {{ "city" }} or {{a b}}.'), user("hi")],
        ),
        # a text with the input is what the user says
        ([("a", "Say: {{input}}")], [user("Say: hi")]),
        ([("a", "A."), ("b", "Say: {{ input }}")], [system("A."), user("Say: hi")]),
        # a chat is used as it is
        ([("a", [system("A."), user("Say: {{input}}")])], [system("A."), user("Say: hi")]),
        ([("a", [system("In {{city}}.")])], [system("In Rome."), user("hi")]),
        ([("a", "A."), ("b", [system("B.")])], [system("A."), system("B."), user("hi")]),
        ([("a", [system("A.")]), ("b", "Say: {{input}}")], [system("A."), user("Say: hi")]),
        (
            [("a", [{"role": "user", "content": [{"type": "text", "text": "Say: {{input}}"}, {"n": 1}]}])],
            [{"role": "user", "content": [{"type": "text", "text": "Say: hi"}, {"n": 1}]}],
        ),
    ],
)
def test_texts_are_the_system_message_chats_are_themselves_and_the_input_stands_where_it_is_named(
    templates: Sequence[Named], messages: Sequence[Message]
) -> None:
    assert open_chat(templates, {"city": "Rome"}, "hi") == messages


def test_values_are_not_searched_for_names() -> None:
    values = {"a": "{{b}} {{input}}", "b": "secret"}
    assert open_chat([("p", "{{a}}")], values, "{{b}}") == [system("{{b}} {{input}}"), user("{{b}}")]


@pytest.mark.parametrize("template", ["In {{city}}.", [system("In {{city}}.")]])
def test_a_name_without_a_value_is_named_with_its_prompt(template: str | list[Message]) -> None:
    with pytest.raises(NoAnswer, match=r"^no value for {{city}} of the prompt persona: give the case vars\.city$"):
        open_chat([("persona", template)], {"City": "Rome"}, "hi")
