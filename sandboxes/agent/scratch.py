"""Emptying a directory that a hostile program has filled."""

import contextlib
import os


def empty(directory: str) -> bool:
    """Delete all inside, without recursion: sub-directories are moved up and emptied in turn.

    So neither 100,000 nested directories nor a path longer than PATH_MAX stops it. False if
    something stays.
    """
    serial = 0
    while names := os.listdir(directory):
        progress = False
        for name in names:
            path = os.path.join(directory, name)
            with contextlib.suppress(OSError):
                if os.path.islink(path) or not os.path.isdir(path):
                    os.unlink(path)
                    progress = True
                    continue
                os.chmod(path, 0o700)
                for inner in os.listdir(path):
                    serial += 1
                    source = os.path.join(path, inner)
                    if not os.path.islink(source):
                        os.chmod(source, 0o700)  # to move a directory takes the right to write it
                    os.rename(source, os.path.join(directory, f".swept-{os.getpid()}-{serial}"))
                os.rmdir(path)
                progress = True
        if not progress:
            return False
    return True
