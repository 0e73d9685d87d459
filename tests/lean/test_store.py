import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scanproof.lean.store import LOCK_NAME, ModuleStore, cache_folder, forget_unused


def write(stem: Path, text: str = "x") -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".lean", ".olean", ".olean.private", ".ilean"):
        stem.with_name(stem.name + suffix).write_text(text + suffix)


def test_what_is_kept_can_be_placed_elsewhere(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path / "store")
    write(tmp_path / "build" / "Spec" / "Runner")
    write(tmp_path / "build" / "Spec" / "RunnerMore")
    assert "key" not in store
    store.keep("key", tmp_path / "build" / "Spec" / "Runner")
    assert "key" in store
    store.place("key", tmp_path / "other" / "Deep" / "Name")
    placed = {file.name: file.read_text() for file in (tmp_path / "other" / "Deep").iterdir()}
    assert placed == {
        "Name.olean": "x.olean",
        "Name.olean.private": "x.olean.private",
        "Name.ilean": "x.ilean",
    }


def test_many_may_keep_the_same_at_once(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path / "store")
    stems = [tmp_path / f"build{i}" / "M" for i in range(8)]
    for stem in stems:
        write(stem)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda stem: store.keep("key", stem), stems))
    assert [entry.name for entry in (tmp_path / "store").iterdir()] == ["key"]
    assert len(list((tmp_path / "store" / "key").iterdir())) == 3


def test_what_is_not_used_is_forgotten(cache: Path, tmp_path: Path) -> None:
    store = ModuleStore(cache / "modules")
    write(tmp_path / "M")
    for key in ("old", "used", "new"):
        store.keep(key, tmp_path / "M")
    catalogue = cache / "catalogues" / "old.json"
    catalogue.parent.mkdir()
    catalogue.write_text("{}")
    lock = cache / "toolchains" / LOCK_NAME
    lock.parent.mkdir()
    lock.touch()
    long_ago = time.time() - 40 * 86400
    for entry in (cache / "modules" / "old", cache / "modules" / "used", catalogue, lock):
        os.utime(entry, (long_ago, long_ago))
    store.place("used", tmp_path / "elsewhere" / "M")
    forget_unused()
    left = {entry.relative_to(cache).as_posix() for entry in cache.glob("*/*")}
    assert left == {"modules/used", "modules/new", f"toolchains/{LOCK_NAME}"}


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCANPROOF_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("SCANPROOF_CACHE", "")
    assert cache_folder().name == "scanproof"
