"""Write files whole or not at all.

A folder or a file is made beside its target and takes the target's place in one step, so that a
reader sees the earlier one or the new one, never a mixture, however the writing process ends.
What an ended process left beside the target is cleared away by the next one that writes there.
A second process that writes to the same target waits for the first.
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
ENOUGH_BYTES = 2**20  # a disk with less than this left is full
OPEN_ELSEWHERE = ("~$*", ".~lock.*#", "*.gpkg-wal", "*.gpkg-shm", ".DS_Store", "Thumbs.db")
EXCHANGE = 2  # renameat2(2): RENAME_EXCHANGE


@contextmanager
def whole_folder(
    target: Path, owned: Sequence[str], *, keep_others: bool = False
) -> Iterator[Path]:
    """Yield an empty folder that becomes ``target`` when the block ends without an error.

    Args:
        target: The folder to write; its parents are made.
        owned: Patterns of the entries that an earlier folder of this kind holds; see
            ``require_writable``.
        keep_others: Whether entries of an earlier folder that no pattern matches move into the
            new one. By default such an entry is an error.

    Raises:
        OutputError: ``target`` cannot be written, holds other files, or the disk is full.
    """
    require_writable(target, owned, keep_others=keep_others)
    with _one_writer(target), _written_beside(target) as (made, old):
        made.mkdir()
        yield made
        if keep_others and target.is_dir():
            for entry in target.iterdir():
                if not _matches(entry.name, owned) and not (made / entry.name).exists():
                    _link(entry, made / entry.name)
        _take_place(made, target, old)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path, of the same ending, whose file becomes ``target`` when the block ends well.

    Raises:
        OutputError: ``target`` cannot be written or the disk is full.
    """
    if target.is_dir():
        raise OutputError(f"{target} is a folder; name a file")
    _make_parent(target)
    with _one_writer(target), _written_beside(target) as (made, _):
        yield made
        _to_disk(made)
        os.replace(made, target)


def require_writable(target: Path, owned: Sequence[str], *, keep_others: bool = False) -> None:
    """Check, before work begins, that ``target`` can become a folder of results.

    Args:
        target: The folder to be written.
        owned: Patterns (``fnmatch``) of the entries that an earlier result may have left there.
        keep_others: Whether other entries are allowed, because they are kept.

    Raises:
        OutputError: ``target`` is a file, cannot be written, or holds files of another origin.
    """
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target} is a file; name a folder")
    _make_parent(target)
    _recover(target)
    if not target.is_dir():
        return
    if not os.access(target, os.W_OK):
        raise OutputError(f"{target} cannot be written to; name another folder")
    others = sorted(e.name for e in target.iterdir() if not _matches(e.name, owned))
    if others and not keep_others:
        few = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        raise OutputError(
            f"{target} holds files that placeopt did not write there ({few}); name another "
            "folder, or move them away"
        )


def _matches(name: str, owned: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in (*owned, *OPEN_ELSEWHERE))


def _make_parent(target: Path) -> None:
    """Make the folder that holds ``target`` and find out whether it can be written to."""
    parent = target.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise OutputError(f"{parent} cannot be written to: {error.strerror}") from error


@contextmanager
def _one_writer(target: Path) -> Iterator[None]:
    """Hold the target for this process; wait for another one of this user and machine."""
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
def sole_user(folder: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold a folder in which one process works for long.

    Args:
        folder: The folder.
        wait_seconds: How long another process is waited for.

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
    """(what is being made, where the earlier one goes), both cleared away at the end."""
    _recover(target)
    made = _beside(target, "unfinished")
    old = _beside(target, "earlier")
    try:
        yield made, old
    except BaseException as error:
        full = shutil.disk_usage(target.absolute().parent).free < ENOUGH_BYTES
        _remove(made)
        if full and isinstance(error, Exception):
            raise OutputError(f"the disk is full: {target} is as it was before") from error
        if isinstance(error, OSError):
            what = error.strerror or error
            raise OutputError(f"{target} could not be written: {what}") from error
        raise
    _remove(old)


def _beside(target: Path, state: str) -> Path:
    """A hidden name beside the target that tells its state and the process that made it."""
    return target.absolute().parent / f".{target.stem}.{state}-{os.getpid()}{target.suffix}"


def _recover(target: Path) -> None:
    """Clear away what an ended process left beside the target; put an earlier folder back if the
    process ended while the two changed places."""
    name = re.compile(
        rf"\.{re.escape(target.stem)}\.(unfinished|earlier)-(\d+){re.escape(target.suffix)}"
    )
    for path in sorted(target.absolute().parent.glob(f".{escape(target.stem)}.*-*")):
        found = name.fullmatch(path.name)
        if found is None or _runs(int(found[2])):
            continue
        if found[1] == "earlier" and not target.exists():
            path.rename(target)
        else:
            _remove(path)


def _runs(process: int) -> bool:
    """Whether a process of this number runs (another than this one)."""
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


def _take_place(made: Path, target: Path, old: Path) -> None:
    """Put the folder made in the target's place, the earlier one aside."""
    for path in (*made.rglob("*"), made):
        _to_disk(path)
    if not target.exists():
        made.rename(target)
    elif _exchanged(made, target):
        made.rename(old)
    else:  # two steps; ``_recover`` mends an end between them
        target.rename(old)
        made.rename(target)
    _to_disk(target.absolute().parent)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the system could exchange two names in one step (Linux)."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here = -100  # AT_FDCWD: names are relative to the working folder
    return exchange(here, os.fsencode(one), here, os.fsencode(other), EXCHANGE) == 0


def _to_disk(path: Path) -> None:
    """Wait until a file or a folder's entries are on the disk."""
    if os.name != "posix" or path.is_symlink():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _link(source: Path, target: Path) -> None:
    """The same entry under a second name: files are linked where the system can, else copied."""
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
    """A folder of this user's own among the temporary files; another one if it is taken.

    Nobody else can write into it, so that what is found there can be trusted.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"placeopt-{name}-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"placeopt-{name}-"))
    others = found.st_mode & 0o077 if os.name == "posix" else 0
    if folder.is_symlink() or not folder.is_dir() or found.st_uid != user or others:
        return Path(tempfile.mkdtemp(prefix=f"placeopt-{name}-"))
    return folder
