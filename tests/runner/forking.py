"""What a forked process does that evaluates; see `tests.forking`.

An order is `{"folder", "arguments", "streams", "variables"}`: the child is `python -m eval_pipeline.runner` in that
folder, and the files `0`, `1` and `2` of the folder `streams` are its standard streams.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

from eval_pipeline.runner.__main__ import main
from tests.forking import Ready


def evaluate(order: dict[str, Any], ready: Ready) -> None:
    """Be an evaluator, from its first line to its end."""
    os.chdir(order["folder"])
    os.environ.update(order["variables"])
    sys.path[0] = order["folder"]
    ready()
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
        file = os.open(Path(order["streams"]) / str(descriptor), flags)
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - this process had read ahead
    try:
        main(order["arguments"])
    except SystemExit as end:
        threading._shutdown()  # type: ignore[attr-defined] - as Python does at its end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))
