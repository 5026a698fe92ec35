"""The local copy can be damaged, deleted or of another store: what is read from it is what the store says."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from eval_pipeline.errors import StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store import files
from eval_pipeline.store import mirror as module
from eval_pipeline.store.connection import Store, find_store
from eval_pipeline.store.mirror import Mirror, get_trend_points, mirror_folder, open_mirror
from tests.builder import LONG_AGO, StoreBuilder
from tests.store.oracle import fresh_mirror, mirror_contents, store_contents, table_rows

LATE = LONG_AGO + timedelta(days=30)


@pytest.fixture
def filled(store_builder: StoreBuilder, mirror: Mirror) -> StoreBuilder:
    """A store with eight runs of two types, all in the mirror."""
    for number in range(8):
        name = ("tone", "routing")[number % 2]
        store_builder.log_run(
            name, number / 10, prompts={"persona": f"v{number // 3}"}, params={"git_sha": str(number)}
        )
    mirror.sync()
    return store_builder


def runs_file(builder: StoreBuilder, mirror: Mirror, eval_type: str = "tone") -> Path:
    return files.runs_path(mirror.folder, builder.experiment(eval_type))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def flip_first_page(path: Path) -> None:
    """Damage that only shows when the pages are read."""
    content = bytearray(path.read_bytes())
    content[content.index(b"\x28\xb5\x2f\xfd") + 9] ^= 0xFF
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garble(path: Path) -> None:
    path.write_bytes(os.urandom(3_000))


DAMAGES = [cut, flip, flip_first_page, empty, garble, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_made_again_by_the_next_sync(
    filled: StoreBuilder, mirror: Mirror, damage: Callable[[Path], None]
) -> None:
    damage(runs_file(filled, mirror))
    assert mirror_contents(mirror) == store_contents(filled)
    filled.log_run("tone", started=LATE)
    damage(runs_file(filled, mirror))
    assert mirror_contents(mirror) == store_contents(filled) == fresh_mirror(mirror.store)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_after_the_sync_is_made_again_when_it_is_read(
    filled: StoreBuilder, mirror: Mirror, damage: Callable[[Path], None]
) -> None:
    [tone] = [each for each in mirror.sync() if each.eval_type == "tone"]
    points = get_trend_points(mirror, tone)
    for read in (mirror.table, mirror.columns):
        damage(runs_file(filled, mirror))
        read(tone)
        assert table_rows(mirror.table(tone)) == store_contents(filled)["my-assistant-eval-tone"]
    damage(runs_file(filled, mirror))
    assert get_trend_points(mirror, tone) == points


def test_the_folder_may_be_deleted_at_any_time(filled: StoreBuilder, mirror: Mirror) -> None:
    [tone] = [each for each in mirror.sync() if each.eval_type == "tone"]
    points = get_trend_points(mirror, tone)
    shutil.rmtree(mirror.folder)
    assert (mirror.held(), mirror.version(tone)) == ([], "none")
    assert get_trend_points(mirror, tone) == points
    shutil.rmtree(mirror.folder)
    assert mirror_contents(mirror) == store_contents(filled)


def test_an_eval_type_that_is_gone_from_copy_and_store_says_so(filled: StoreBuilder, mirror: Mirror) -> None:
    [tone] = [each for each in mirror.sync() if each.eval_type == "tone"]
    filled.client.delete_experiment(tone.experiment_id)
    mirror.sync()
    with pytest.raises(StoreError) as raised:
        get_trend_points(mirror, tone)
    assert str(raised.value) == "the runs of tone are no longer in the store: start again"


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"format": "1", "experiments": {}}', b"\xff\xff"])
def test_a_damaged_or_older_state_is_made_again(filled: StoreBuilder, mirror: Mirror, content: bytes) -> None:
    filled.client.delete_run(filled.log_run("tone"))
    (mirror.folder / "state.json").write_bytes(content)
    assert mirror.held() == []
    assert mirror_contents(mirror) == store_contents(filled)
    assert [each.eval_type for each in mirror.held()] == ["routing", "tone"]


def test_a_flipped_byte_anywhere_in_the_state_hides_no_run_that_is_new(filled: StoreBuilder, mirror: Mirror) -> None:
    path = mirror.folder / "state.json"
    whole = path.read_bytes()
    old = path.parent.with_name("old")
    shutil.copytree(path.parent, old)
    filled.log_run("tone", started=LATE)
    filled.log_run("routing", status="RUNNING", started=LATE)
    truth = store_contents(filled)
    for place in range(0, len(whole), 11):
        shutil.rmtree(path.parent)
        shutil.copytree(old, path.parent)
        damaged = bytearray(whole)
        damaged[place] ^= (0x01, 0x04, 0x08)[place % 3]
        path.write_bytes(damaged)
        assert mirror_contents(mirror) == truth, damaged


def test_files_of_an_older_format_are_made_again(
    filled: StoreBuilder, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FORMAT", "older")
    shutil.rmtree(mirror.folder)
    mirror.sync()
    monkeypatch.undo()
    assert mirror.held() == []
    assert mirror_contents(mirror) == store_contents(filled)


def test_a_store_made_anew_at_the_same_address_is_another_store(
    filled: StoreBuilder,
    mirror: Mirror,
    make_store: Callable[..., StoreBuilder],
    settings_with: Callable[..., Settings],
) -> None:
    before = {each.eval_type: each.experiment_id for each in mirror.sync()}
    other = make_store("other.db")
    other.log_run("routing", 0.456)
    other.log_run("tone", 0.123)
    os.replace(other.path, filled.path)  # noqa: PTH105 - as a shell would
    filled.client._tracking_client.store.engine.dispose()  # else this process keeps reading the old file
    again = open_mirror(Store(filled.uri, settings_with()))
    assert {each.eval_type: each.experiment_id for each in again.sync()} != before
    assert sorted(each.experiment_id for each in again.sync()) == sorted(before.values())
    assert mirror_contents(again) == store_contents(filled)
    assert [len(rows) for rows in mirror_contents(again).values()] == [1, 1]


def test_each_store_and_each_base_experiment_has_a_folder_of_its_own(
    make_store: Callable[..., StoreBuilder], settings_with: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_store("a.db"), make_store("b.db")
    uris = [first.uri, second.uri, "http://h:1", "http://h:2", "http://u:secret@h:1", "http://v:secret@h:1"]
    folders = [mirror_folder(Store(uri, settings_with())) for uri in uris]
    folders.append(mirror_folder(Store(first.uri, settings_with(base_experiment="other"))))
    assert len(set(folders)) == 7
    monkeypatch.chdir(first.path.parent)
    same = [Store("sqlite:///a.db", settings_with()), Store("http://u:changed@h:1", settings_with())]
    assert [mirror_folder(store) for store in same] == [folders[0], folders[4]]


def test_two_base_experiments_of_one_store_do_not_meet(
    make_store: Callable[..., StoreBuilder], settings_with: Callable[..., Settings]
) -> None:
    builder = make_store(base="ours")
    other = StoreBuilder(builder.uri, "ours2")
    builder.log_run("tone", 0.1)
    other.log_run("tone", 0.2)
    for each in (builder, other, builder):
        mirror = open_mirror(Store(each.uri, settings_with(base_experiment=each.base)))
        contents = store_contents(each)
        contents = {name: rows for name, rows in contents.items() if name == f"{each.base}-tone"}
        assert mirror_contents(mirror) == contents


@pytest.mark.parametrize("how", ["throwaway", "settings"])
def test_without_a_mirror_nothing_is_left_behind(
    filled: StoreBuilder,
    settings_with: Callable[..., Settings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    aside = tmp_path / "tmp"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    cache = tmp_path / "unused"
    store = Store(filled.uri, settings_with(mirror={"cache_dir": cache, "enabled": how != "settings"}))
    with open_mirror(store, throwaway=how == "throwaway") as mirror:
        assert mirror_contents(mirror) == store_contents(filled)
        assert mirror.folder.parent == aside
    with pytest.raises(ZeroDivisionError), open_mirror(store, throwaway=how == "throwaway") as mirror:
        assert len(mirror.sync()) / 0
    assert (list(aside.iterdir()), cache.exists()) == ([], False)


def test_a_cache_folder_that_cant_be_written_says_what_to_do(
    filled: StoreBuilder, settings_with: Callable[..., Settings], tmp_path: Path
) -> None:
    cache = tmp_path / "file"
    cache.write_text("in the way")
    mirror = open_mirror(Store(filled.uri, settings_with(mirror={"cache_dir": cache})))
    with pytest.raises(StoreError) as raised:
        mirror.sync()
    assert str(raised.value) == (
        f"the local copy {mirror.folder} can't be written ([Errno 20] Not a directory: '{mirror.folder}'): "
        "use --no-mirror"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
def test_a_read_only_cache_folder_says_what_to_do(filled: StoreBuilder, mirror: Mirror) -> None:
    mirror.folder.chmod(0o500)
    filled.log_run("tone", started=LATE)
    with pytest.raises(StoreError, match=r"can't be written .*: use --no-mirror"):
        mirror.sync()


def test_a_lock_that_is_held_too_long_is_given_up(
    filled: StoreBuilder, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)
    with module.FileLock(mirror.folder / "lock"), pytest.raises(StoreError) as raised:
        mirror.sync()
    assert str(raised.value) == (
        f"another process has been filling the local copy {mirror.folder} for 0 s: wait for it, or use --no-mirror"
    )


def test_mlflows_default_store_that_is_not_there_is_empty_and_leaves_no_trace(
    settings_with: Callable[..., Settings],
) -> None:
    with open_mirror(find_store(settings_with())) as mirror:
        assert (mirror.sync(), mirror.held(), mirror.folder.exists()) == ([], [], False)
    assert list(Path().iterdir()) == []


def test_the_mirror_keeps_the_last_state_while_the_store_is_down(filled: StoreBuilder, mirror: Mirror) -> None:
    rows = {each.eval_type: table_rows(mirror.table(each)) for each in mirror.held()}
    filled.path.rename(filled.path.with_suffix(".away"))
    with pytest.raises(StoreError, match="there is no file"):
        mirror.sync()
    assert {each.eval_type: table_rows(mirror.table(each)) for each in mirror.held()} == rows
    assert not filled.path.exists()


def test_the_version_changes_when_runs_do_and_only_then(filled: StoreBuilder, mirror: Mirror) -> None:
    def versions() -> dict[str, str]:
        return {each.eval_type: mirror.version(each) for each in mirror.sync()}

    before = versions()
    assert versions() == before
    filled.log_run("tone", started=LATE)
    after = versions()
    assert (after["tone"] != before["tone"], after["routing"] == before["routing"]) == (True, True)


def test_the_state_names_every_run_that_is_open_or_deleted(filled: StoreBuilder, mirror: Mirror) -> None:
    running = filled.log_run("tone", status="RUNNING", started=LATE)
    deleted = filled.log_run("tone", started=LATE)
    filled.client.delete_run(deleted)
    mirror.sync()
    said = json.loads((mirror.folder / "state.json").read_text())["experiments"][filled.experiment("tone")]
    assert (said["open_runs"], said["deleted_runs"]) == ([running], [deleted])
