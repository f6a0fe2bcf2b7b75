"""Disks and backups as this machine has them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kleanxmpp.doctor import local


def test_a_disk_is_told_once_and_a_folder_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = local.disks([tmp_path, tmp_path / "a", tmp_path / "missing"])
    assert [disk.folder for disk in found] == [str(tmp_path)]
    assert 0 < found[0].free < found[0].total
    assert local.disks([tmp_path / "missing"]) == ()


def test_the_newest_backup_counts_and_hidden_files_do_not(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for name, days, text in ((".hidden", 0, "x"), ("old.db", 9, "x"), ("new.db", 2, "")):
        (tmp_path / name).write_text(text)
        moment = (now - timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (moment, moment))
    found = local.newest_backup(tmp_path)
    assert found.made_at is not None and (now - found.made_at).days == 2
    assert found.size == 0
    assert local.newest_backup(tmp_path / "old.db").size == 1


def test_no_folder_and_an_empty_folder_hold_no_backup(tmp_path: Path) -> None:
    assert local.newest_backup(tmp_path).made_at is None
    assert local.newest_backup(tmp_path / "missing").made_at is None
