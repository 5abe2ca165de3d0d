"""Folders and files are written whole or not at all, however the writing process ends."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from placeopt.base import files
from placeopt.base.errors import OutputError
from placeopt.base.files import atomic_file, atomic_folder, private_folder, require_writable

# Writes answer after answer into one folder, each with one text in every file.
WRITER = """
import sys
from pathlib import Path
from placeopt.base.files import atomic_folder
target, number = Path(sys.argv[1]), 0
while True:
    number += 1
    with atomic_folder(target) as made:
        for k in range(20):
            (made / f"{k}.txt").write_text(f"answer {number}" * 2000)
    print(number, flush=True)
"""


def put(folder: Path, text: str) -> None:
    with atomic_folder(folder) as made:
        (made / "page.html").write_text(text, encoding="utf-8")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {files.MANIFEST}


def test_a_new_folder_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with atomic_folder(target) as made:
        (made / "tables").mkdir()
        (made / "page.html").write_text("first", encoding="utf-8")
    put(target, "second")
    assert (target / "page.html").read_text(encoding="utf-8") == "second"
    assert names(target) == {"page.html"}
    assert names(target.parent) == {"out"}


def test_a_folder_is_replaced_where_names_cannot_be_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_exchange_names", lambda one, other: False)
    put(tmp_path / "out", "first")
    put(tmp_path / "out", "second")
    assert (tmp_path / "out" / "page.html").read_text(encoding="utf-8") == "second"
    assert names(tmp_path) == {"out"}


def test_a_fault_while_writing_leaves_the_earlier_answer(tmp_path: Path) -> None:
    put(tmp_path / "out", "first")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "out") as made:
        (made / "page.html").write_text(str(1 / len(names(made))), encoding="utf-8")
    assert (tmp_path / "out" / "page.html").read_text(encoding="utf-8") == "first"
    assert names(tmp_path) == {"out"}


def test_a_fault_of_the_system_is_one_plain_message(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"a\.txt could not be written: Input/output error"),
        atomic_file(tmp_path / "a.txt"),
    ):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert names(tmp_path) == set()


@pytest.mark.parametrize("name", ["notes.docx", "Tables", "old.html"])
def test_files_of_another_origin_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=name):
        require_writable(tmp_path)
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["page.html", "notes.txt", "tables/mine.csv", "deep/er/mine"])
def test_a_file_added_to_an_answer_is_never_removed(name: str, tmp_path: Path) -> None:
    """Whatever its name: an answer's own, or in one of its folders."""
    out = tmp_path / "out"
    with atomic_folder(out) as made:
        (made / "tables").mkdir()
        (made / "tables" / "plan.csv").write_text("plan", encoding="utf-8")
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=name):
        require_writable(out)
    with pytest.raises(OutputError, match=name):
        put(out, "second")
    assert (out / name).read_text(encoding="utf-8") == "mine"


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    put(tmp_path / "out", "first")
    (tmp_path / "link").symlink_to("out")
    (tmp_path / "new").symlink_to("deep/not_there")
    put(tmp_path / "link", "second")
    put(tmp_path / "new", "third")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out" / "page.html").read_text(encoding="utf-8") == "second"
    assert (tmp_path / "deep" / "not_there" / "page.html").read_text(encoding="utf-8") == "third"


@pytest.mark.parametrize("name", ["a" * 250, "é" * 120, "a\nb", "a\x07"])
def test_an_impossible_name_is_refused_before_work(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be the name of results"):
        require_writable(tmp_path / name)


def test_the_working_folder_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    for name in (".", "..", tmp_path):
        with pytest.raises(OutputError, match="the folder in which the command runs"):
            require_writable(Path(name))


def test_files_of_other_programs_do_not_block_a_write(tmp_path: Path) -> None:
    for name in ("~$workbook.xlsx", ".DS_Store", "plan.gpkg-wal"):
        (tmp_path / name).touch()
    require_writable(tmp_path)


def test_other_files_are_kept_where_that_is_asked(tmp_path: Path) -> None:
    place = tmp_path / "place"
    (place / "scenarios").mkdir(parents=True)
    (place / "scenarios" / "mine.toml").write_text("question", encoding="utf-8")
    (place / "zones.csv").write_text("old", encoding="utf-8")
    (place / "link").symlink_to("scenarios")
    with atomic_folder(place, ("zones.csv", "streets.gpkg")) as made:
        (made / "streets.gpkg").write_text("new", encoding="utf-8")
    assert names(place) == {"scenarios", "streets.gpkg", "link"}
    assert (place / "link" / "mine.toml").read_text(encoding="utf-8") == "question"


def test_a_file_where_a_folder_is_asked_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file"):
        require_writable(tmp_path / "out")
    with pytest.raises(OutputError, match="cannot be written to"):
        require_writable(tmp_path / "out" / "deeper")
    with pytest.raises(OutputError, match="is a folder"), atomic_file(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written to"):
        require_writable(Path("/proc/placeopt"))


@pytest.mark.parametrize("exchanged", [True, False])
def test_files_of_an_ended_process_are_removed(exchanged: bool, tmp_path: Path) -> None:
    """Also where it ended between the two steps in which folders change places."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    half = tmp_path / f".out.unfinished-{ended.pid}"
    half.mkdir()
    (half / "page.html").write_text("half", encoding="utf-8")
    earlier = tmp_path / ("out" if exchanged else f".out.earlier-{ended.pid}")
    earlier.mkdir()
    (earlier / "page.html").write_text("first", encoding="utf-8")
    (earlier / files.MANIFEST).write_text("page.html\n", encoding="utf-8")
    require_writable(tmp_path / "out")
    assert names(tmp_path) == {"out"}
    assert (tmp_path / "out" / "page.html").read_text(encoding="utf-8") == "first"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_writer_leaves_one_whole_answer(how: signal.Signals, tmp_path: Path) -> None:
    target = tmp_path / "out"
    rng = random.Random(int(how))
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(target)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.1))
        writer.send_signal(how)
        writer.wait()
        texts = {path.read_text(encoding="utf-8") for path in target.glob("*.txt")}
        assert len(texts) == 1
        assert len(list(target.glob("*.txt"))) == 20


def test_two_writers_take_turns(tmp_path: Path) -> None:
    target = tmp_path / "out"
    command = [sys.executable, "-c", WRITER, str(target)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
            writer.stdout.readline()
        assert all(writer.poll() is None for writer in writers)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert len({path.read_text(encoding="utf-8") for path in target.glob("*.txt")}) == 1


def test_a_writer_that_never_ends_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "WAIT_SECONDS", 0.1)
    with atomic_file(tmp_path / "a") as made:
        made.touch()
        with pytest.raises(OutputError, match="another process"), atomic_file(tmp_path / "a"):
            pass


def test_a_full_disk_is_one_plain_message(tmp_path: Path) -> None:
    """On a small file system in memory, where mounting is allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        put(disk / "out", "first")
        with (
            pytest.raises(OutputError, match="the disk is full"),
            atomic_folder(disk / "out") as made,
        ):
            (made / "page.html").write_bytes(b"x" * 2**23)
        assert (disk / "out" / "page.html").read_text(encoding="utf-8") == "first"
        assert names(disk) == {"out"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("planted", ["link", "open to all", "file"])
def test_a_folder_that_others_can_write_is_not_used(
    planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files found there are trusted, so a folder made by another user is not used."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = tmp_path / f"placeopt-locks-{os.getuid()}"
    if planted == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        name.symlink_to(tmp_path / "elsewhere")
    elif planted == "file":
        name.write_text("planted", encoding="utf-8")
    else:
        name.mkdir()
        name.chmod(0o777)
    found = private_folder("locks")
    assert found != name
    assert found.is_dir()
