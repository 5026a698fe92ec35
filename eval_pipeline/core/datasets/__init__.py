"""Eval datasets: what one may say, how its text becomes one, and how its mistakes are named.

Data only: nothing in a dataset is ever run as code.
"""

from eval_pipeline.core.datasets.assertions import (
    ASSERTION_TYPES,
    NEGATION,
    Assertion,
    DistanceAssertion,
    JsonAssertion,
    ListAssertion,
    PythonAssertion,
    RegexAssertion,
    RubricAssertion,
    TextAssertion,
)
from eval_pipeline.core.datasets.mistakes import Mistake
from eval_pipeline.core.datasets.model import Case, Dataset
from eval_pipeline.core.datasets.text import SUFFIXES, CheckedDataset, check_dataset, parse_dataset, shared_eval_types

__all__ = [
    "ASSERTION_TYPES",
    "NEGATION",
    "SUFFIXES",
    "Assertion",
    "Case",
    "CheckedDataset",
    "Dataset",
    "DistanceAssertion",
    "JsonAssertion",
    "ListAssertion",
    "Mistake",
    "PythonAssertion",
    "RegexAssertion",
    "RubricAssertion",
    "TextAssertion",
    "check_dataset",
    "parse_dataset",
    "shared_eval_types",
]
