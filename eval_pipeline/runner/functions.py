"""Functions of the team's own, by their names."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any


def load_function(name: str) -> Callable[..., Any]:
    """The function that `module:function` names; the working directory is searched first.

    Raises:
        ImportError: there is none. A module may raise anything else while it is imported.
    """
    module_name, _, function_name = name.partition(":")
    if not (module_name and function_name):
        raise ImportError(f"{name!r} is no name of a function: write module:function")
    if "" not in sys.path and os.getcwd() not in sys.path:  # noqa: PTH109  sys.path holds texts
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    module = importlib.import_module(module_name)
    function: Callable[..., Any] | None = getattr(module, function_name, None)
    if not callable(function):
        known = [each for each, value in vars(module).items() if callable(value)]
        near = difflib.get_close_matches(function_name, known, n=1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise ImportError(f"{module_name} has no function {function_name!r}{hint}")  # noqa: TRY004  as for any name
    return function
