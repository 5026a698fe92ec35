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

_BUSY: set[str] = set()
_LOCK = threading.Lock()


def own_name() -> str:
    """This process: machine, process id and when it started, so that no later process can be taken for it."""
    return f"{_machine()} {os.getpid()} {_started(os.getpid())}"


def has_stopped(owner: str, record_id: str, since: datetime, now: datetime) -> bool:
    """Whether the owner of a record can be known to have left it; on another machine, only once its lease is over."""
    machine, _, process = owner.partition(" ")
    if now - since > LEASE:
        return True
    if machine != _machine():
        return not owner
    number, _, started = process.partition(" ")
    if number == str(os.getpid()):
        with _LOCK:
            return record_id not in _BUSY
    return not number.isdigit() or _started(int(number)) != started


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
    """This machine, and the space in which its process ids count (containers of one host have their own)."""
    space = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()}/{space.readlink() if space.is_symlink() else ''}".replace(" ", "_")


def _started(process: int) -> str:
    """When a process started, in the system's ticks; empty if there is no such process, `?` if it can't be told."""
    stat = Path(f"/proc/{process}/stat")
    try:
        state, *_, started = stat.read_text().rpartition(")")[2].split()[:20]
    except OSError:
        return "" if Path("/proc/self/stat").exists() or not _alive(process) else "?"
    return "" if state == "Z" else started


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
