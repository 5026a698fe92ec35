"""A long run of the fuzzer over everything that reads text from outside; `tests/fuzz` does a short one.

`python -m benchmarks.fuzz [--seconds 60] [NAME ...]` gives each target that many seconds, and prints how many values it
was fed, how many crashed it (anything but an error of our own) and how many took longer than 5 s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import traceback
from collections import Counter
from contextlib import chdir
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.addresses import ADDRESSES, visitor
from tests.fuzz.targets import TARGETS, Target

LONGEST_S = 5.0
BATCH = 200
"""Values between two looks at the clock."""
SHOWN = 200
ADDRESS_TARGET = "addresses"


def main(seconds: float, names: list[str]) -> None:
    """Feed the named targets, or all of them, and print the table."""
    print(f"{'target':24}{'values':>10}{'crashes':>10}{'over 5 s':>10}")
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-fuzz-") as folder, chdir(folder):
        for name in names or [*(target.name for target in TARGETS), ADDRESS_TARGET]:
            found = fuzz(find_target(name, Path(folder)), seconds)
            print(f"{name:24}{found['values']:>10,}{found['crashes']:>10}{found['slow']:>10}", flush=True)


def find_target(name: str, folder: Path) -> Target:
    """The target of this name; pages get a store in `folder`."""
    if name == ADDRESS_TARGET:
        return Target(name, ADDRESSES, visitor(folder))
    return next(target for target in TARGETS if target.name == name)


def fuzz(target: Target, seconds: float) -> Counter[str]:
    """Feed one target for so many seconds: counts of values, crashes and slow values."""
    found: Counter[str] = Counter()
    end = time.monotonic() + seconds

    def feed(value: object) -> None:
        if time.monotonic() > end:
            return
        found["values"] += 1
        begin = time.monotonic()
        try:
            target.feed(value)
        except Exception:  # noqa: BLE001 - that is what is counted
            found["crashes"] += 1
            print(f"{repr(value)[:SHOWN]}\n{traceback.format_exc()}")
        found["slow"] += time.monotonic() - begin > LONGEST_S

    number = 0
    while time.monotonic() < end:
        number += 1
        batch = settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(number)(batch(given(target.values)(feed)))()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given_options = parser.parse_args()
    main(given_options.seconds, given_options.names)
