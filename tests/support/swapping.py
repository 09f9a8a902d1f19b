"""Somebody who may write in a folder and changes what stands under a name while it is read, as often as can be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SWAP = """
import ctypes, os, random, sys
call = ctypes.CDLL(None).renameat2
here, exchange = -100, 2  # both names change places in one step: there is never nothing under either
names = [os.fsencode(name) for name in sys.argv[1:]]
print("begun", flush=True)
while True:
    if call(here, names[0], here, names[1], exchange):
        sys.exit("renameat2")
    for _ in range(random.randrange(400)):  # not in step with who reads
        pass
"""
ANOTHER_USER = 4321


@contextmanager
def swapped_with_a_link(path: Path, target: Path) -> Iterator[None]:
    """While in use, ``path`` is in turn a file of another user, and a link that he made to ``target``."""
    link = path.with_name(".link")
    link.symlink_to(target)
    for one in (path, link):
        os.lchown(one, ANOTHER_USER, -1)
    line = [sys.executable, "-c", _SWAP, str(path), str(link)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as swapper:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        try:
            yield
            assert swapper.poll() is None
        finally:
            swapper.kill()
