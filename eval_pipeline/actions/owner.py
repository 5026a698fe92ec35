"""Whether the process that began an action is still at it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

LEASE = timedelta(seconds=60)
"""An action takes a second or two. One on another machine that takes longer than this has stopped."""

UNKNOWN = "?"
_BUSY: set[str] = set()
_LOCK = threading.Lock()


def own_name() -> str:
    """This process: machine, process id and when it started, so that no later process can be taken for it."""
    return f"{_machine()} {os.getpid()} {_started(os.getpid())}"


def has_stopped(owner: str, record_id: str, since: datetime, now: datetime) -> bool:
    """Whether the owner of a record has left it. Where that can't be seen, as on another machine, its lease decides."""
    machine, _, process = owner.partition(" ")
    number, _, started = process.partition(" ")
    if not number.isdigit():
        return True
    if machine == _machine():
        if number == str(os.getpid()):
            with _LOCK:
                return record_id not in _BUSY
        found = _started(int(number))
        if UNKNOWN not in {found, started} or not found:
            return found != started
    return now - since > LEASE


@contextmanager
def busy_with(record_id: str) -> Iterator[None]:
    """While inside, this process is at work on the record."""
    with _LOCK:
        _BUSY.add(record_id)
    try:
        yield
    finally:
        with _LOCK:
            _BUSY.discard(record_id)


def _machine() -> str:
    """This machine since it was started, and the space in which its process ids count (containers have their own)."""
    space, boot = Path("/proc/self/ns/pid"), Path("/proc/sys/kernel/random/boot_id")
    try:
        counted = f"{boot.read_text().strip()}/{space.readlink()}"
    except OSError:
        counted = ""
    return f"{socket.gethostname()}/{counted}".replace(" ", "_")


def _started(process: int) -> str:
    """When a process started, in the system's ticks; empty if there is no such process, `?` if it can't be seen."""
    stat = Path(f"/proc/{process}/stat")
    try:
        state, *_, started = stat.read_text().rpartition(")")[2].split()[:20]
    except OSError:
        return UNKNOWN if _alive(process) else ""
    return "" if state == "Z" else started


def _alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there the signal 0 is Ctrl-C
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
