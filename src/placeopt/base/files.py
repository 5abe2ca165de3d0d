"""Write files whole or not at all.

A folder or a file is written beside its target and then replaces the target in one step, so that a
reader sees the earlier version or the new one, never a mixture, however the writing process ends.
The next process that writes there removes what an ended one left beside the target. A second
process that writes to the same target waits for the first.

A folder of results has a list of its files (``MANIFEST``). Only a folder that holds nothing else is
replaced: a person's own files are never removed, whatever their names.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from glob import escape
from hashlib import sha256
from pathlib import Path

from placeopt.base.errors import OutputError

WAIT_SECONDS = 60.0  # for another process that writes to the same target
MIN_FREE_BYTES = 2**20  # a disk with less than this left is full
EDITOR_FILES = ("~$*", ".~lock.*#", "*.gpkg-wal", "*.gpkg-shm", ".DS_Store", "Thumbs.db")
MANIFEST = ".placeopt-files"  # paths of all files of a folder of results, one a line
MAX_NAME_BYTES = 200  # of a target: file systems allow 255, and what is written beside it adds some
RENAME_EXCHANGE = 2  # renameat2(2): RENAME_EXCHANGE


@contextmanager
def atomic_folder(target: Path, replaced: Sequence[str] | None = None) -> Iterator[Path]:
    """Yield an empty folder that replaces ``target`` if the context ends without an error.

    Args:
        target: The folder to write; its parents are made.
        replaced: Patterns (``fnmatch``) of the entries of an earlier folder that are replaced; all
            others are kept. By default the new folder gets a list of its files, and an earlier
            folder with any file that is not in its list is an error.

    Raises:
        OutputError: ``target`` cannot be written, holds other files, or the disk is full.
    """
    target = _real(target)
    require_writable(target, replaced)
    with _write_lock(target), _written_beside(target) as (new, old):
        new.mkdir()
        yield new
        if replaced is None:
            if target.is_dir():  # a person may have added a file meanwhile
                _require_only_results(target)
            names = "".join(f"{name}\n" for name in _files_in(new))
            (new / MANIFEST).write_text(names, encoding="utf-8")
        if replaced is not None and target.is_dir():
            for entry in target.iterdir():
                if not _matches(entry.name, replaced) and not (new / entry.name).exists():
                    _link(entry, new / entry.name)
        _replace_target(new, target, old)


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a path with the same suffix whose file replaces ``target`` if the context ends well.

    Raises:
        OutputError: ``target`` cannot be written or the disk is full.
    """
    require_writable_file(target)
    target = _real(target)
    with _write_lock(target), _written_beside(target) as (new, _):
        yield new
        _flush_to_disk(new)
        os.replace(new, target)


def require_writable_file(target: Path) -> None:
    """Check, before work begins, that ``target`` can become a file.

    Raises:
        OutputError: ``target`` is a folder, its name is impossible or cannot be written.
    """
    target = _real(target)
    if target.is_dir():
        raise OutputError(f"{target} is a folder; name a file")
    _make_parent(target)


def require_writable(target: Path, replaced: Sequence[str] | None = None) -> None:
    """Check, before work begins, that ``target`` can become a folder of results.

    Args:
        target: The folder to be written.
        replaced: Patterns of the entries that are replaced, where others are kept. By default every
            file must be in the list that an earlier result left there.

    Raises:
        OutputError: ``target`` is a file, cannot be written, or holds files of another origin.
    """
    target = _real(target)
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target} is a file; name a folder")
    if Path.cwd().is_relative_to(target):
        raise OutputError(
            f"{target} is the folder in which the command runs, or one above it, and would be "
            "replaced; name a folder in it"
        )
    _make_parent(target)
    _recover(target)
    if not target.is_dir():
        return
    if not os.access(target, os.W_OK):
        raise OutputError(f"{target} cannot be written to; name another folder")
    if replaced is None:
        _require_only_results(target)


def _require_only_results(target: Path) -> None:
    """Refuse a folder with a file that is not in the list of an earlier result."""
    listed = target / MANIFEST
    known = set(listed.read_text(encoding="utf-8").splitlines()) if listed.is_file() else set()
    others = [
        name
        for name in _files_in(target)
        if name not in known and not _matches(Path(name).name, (MANIFEST,))
    ]
    if others:
        names = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        raise OutputError(
            f"{target} holds files that placeopt did not write there ({names}); name another "
            "folder, or move them away"
        )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in (*patterns, *EDITOR_FILES))


def _files_in(folder: Path) -> list[str]:
    """The paths in a folder of all files, links and empty folders at any depth, sorted."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    )


def _real(target: Path) -> Path:
    """The target that links lead to, which is what is replaced."""
    return Path(os.path.realpath(target))


def _make_parent(target: Path) -> None:
    """Make the folder that holds ``target``; check that it can be written to, and the name."""
    if not target.name.isprintable() or len(os.fsencode(target.name)) > MAX_NAME_BYTES:
        raise OutputError(
            f"{ascii(target.name)[:80]} cannot be the name of results: at most {MAX_NAME_BYTES} "
            "bytes, without control characters"
        )
    parent = target.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise OutputError(f"{parent} cannot be written to: {error.strerror}") from error


@contextmanager
def _write_lock(target: Path) -> Iterator[None]:
    """Hold the target for this process; wait for another process of this user and machine."""
    import filelock

    name = sha256(str(target.absolute()).encode()).hexdigest()[:16]
    lock = filelock.FileLock(private_folder("locks") / name, timeout=WAIT_SECONDS)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise OutputError(
            f"another process has been writing {target} for {WAIT_SECONDS:.0f} seconds; wait for "
            "it to end, or name another place"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def exclusive_folder(folder: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold a folder in which one process works for long.

    Args:
        folder: The folder.
        wait_seconds: How long to wait for another process.

    Raises:
        OutputError: Another process of this user and machine holds it.
    """
    import filelock

    name = sha256(f"at work in {folder.absolute()}".encode()).hexdigest()[:16]
    lock = filelock.FileLock(private_folder("locks") / name, timeout=wait_seconds)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise OutputError(
            f"another process is at work in {folder}; wait for it to end, or name another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _written_beside(target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the path to write and the path for the earlier version; both are removed at the end."""
    _recover(target)
    new = _beside(target, "unfinished")
    old = _beside(target, "earlier")
    try:
        yield new, old
    except BaseException as error:
        is_full = shutil.disk_usage(target.absolute().parent).free < MIN_FREE_BYTES
        _remove(new)
        if is_full and isinstance(error, Exception):
            raise OutputError(f"the disk is full: {target} is as it was before") from error
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise OutputError(f"{target} could not be written: {reason}") from error
        raise
    _remove(old)


def _beside(target: Path, state: str) -> Path:
    """A hidden name beside the target that shows its state and the process that made it."""
    return target.absolute().parent / f".{target.stem}.{state}-{os.getpid()}{target.suffix}"


def _recover(target: Path) -> None:
    """Remove what an ended process left beside the target.

    An earlier folder is put back if the process ended while the two were exchanged.
    """
    name = re.compile(
        rf"\.{re.escape(target.stem)}\.(unfinished|earlier)-(\d+){re.escape(target.suffix)}"
    )
    for path in sorted(target.absolute().parent.glob(f".{escape(target.stem)}.*-*")):
        match = name.fullmatch(path.name)
        if match is None or _is_running(int(match[2])):
            continue
        if match[1] == "earlier" and not target.exists():
            path.rename(target)
        else:
            _remove(path)


def _is_running(process: int) -> bool:
    """Whether another process with this id is running."""
    if process == os.getpid():
        return False
    if os.name != "posix":  # asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _replace_target(new: Path, target: Path, old: Path) -> None:
    """Move the new folder to the target's place, and the earlier one aside."""
    for path in (*new.rglob("*"), new):
        _flush_to_disk(path)
    if not target.exists():
        new.rename(target)
    elif _exchange_names(new, target):
        new.rename(old)
    else:  # two steps; ``_recover`` mends an end between them
        target.rename(old)
        new.rename(target)
    _flush_to_disk(target.absolute().parent)


def _exchange_names(first: Path, second: Path) -> bool:
    """Exchange two names in one step if the system can (Linux); return whether it did."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    working_folder = -100  # AT_FDCWD: names are relative to the working folder
    paths = working_folder, os.fsencode(first), working_folder, os.fsencode(second)
    return bool(exchange(*paths, RENAME_EXCHANGE) == 0)


def _flush_to_disk(path: Path) -> None:
    """Wait until a file or a folder's entries are on the disk."""
    if os.name != "posix" or path.is_symlink():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _link(source: Path, target: Path) -> None:
    """Make the same entry under a second name: files are linked if the system can, else copied."""
    if source.is_symlink():
        target.symlink_to(os.readlink(source))
    elif source.is_dir():
        target.mkdir()
        for entry in source.iterdir():
            _link(entry, target / entry.name)
    else:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def private_folder(name: str) -> Path:
    """A folder of this user's own among the temporary files; another one if the name is taken.

    No other user can write into it, so that what is found there can be trusted.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"placeopt-{name}-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"placeopt-{name}-"))
    is_open_to_others = status.st_mode & 0o077 if os.name == "posix" else 0
    if folder.is_symlink() or not folder.is_dir() or status.st_uid != user or is_open_to_others:
        return Path(tempfile.mkdtemp(prefix=f"placeopt-{name}-"))
    return folder
