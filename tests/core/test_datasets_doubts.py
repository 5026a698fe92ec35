"""What a dataset may say but probably doesn't mean, and what two of them can't both say."""

from __future__ import annotations

import json

from eval_pipeline.core.datasets import check_dataset, shared_eval_types
from tests.core.test_datasets import yaml_with


def test_what_is_probably_not_meant_is_a_doubt_and_no_mistake() -> None:
    cases = [
        {"id": "a", "input": "hi", "expected": "x"},
        {"id": "b", "input": ["hi"], "expected": "y", "threshold": 0},
        {"id": "c", "input": "hi", "vars": {"name": "Ada"}, "expected": "y"},
        {"id": "e", "input": "ho", "vars": {"input": "x", "a b": "y"}, "expected": "y"},
        {
            "id": "d",
            "input": "bye",
            "assert": [
                {"type": "contains", "value": ""},
                {"type": "not-icontains-any", "value": ["x", ""]},
                {"type": "levenshtein", "value": "yes"},
                {"type": "levenshtein", "value": "yes"},
                {"type": "equals", "value": ""},
                {"type": "levenshtein", "value": "yes", "threshold": 2},
            ],
        },
    ]
    text = "\n".join(json.dumps(each) for each in cases)
    checked = check_dataset(text, "x.jsonl")
    assert checked.dataset is not None
    assert [str(each) for each in checked.doubts] == [
        "x.jsonl:2: input: the case 'a' has the same",
        "x.jsonl:2: threshold: 0 passes whatever the output is",
        "x.jsonl:4: vars.input: {{input}} in a template is what the user says, and not this",
        "x.jsonl:4: vars.a b: no {{name}} can be written like this: letters, digits, '_', '-' and '.' make a name",
        "x.jsonl:5: assert[0].value: is empty: every output contains it",
        "x.jsonl:5: assert[1].value[1]: is empty: every output contains it",
        "x.jsonl:5: assert[2].value: a distance of 5 lets an empty output pass: there are only 3 characters",
        "x.jsonl:5: assert[3]: says the same as one before it",
        "x.jsonl:5: assert[3].value: a distance of 5 lets an empty output pass: there are only 3 characters",
    ]


def test_two_datasets_of_one_type_are_a_mistake_of_the_second() -> None:
    checked = [check_dataset(text, f"{index}.yaml") for index, text in enumerate([yaml_with("expected: x")] * 2)]
    other = check_dataset(yaml_with("expected: x").replace("tone", "routing"), "2.yaml")
    broken = check_dataset("", "3.yaml")
    assert [str(each) for each in shared_eval_types([*checked, other, broken])] == [
        "1.yaml:1: eval_type: 'tone' is the type of 0.yaml already"
    ]
