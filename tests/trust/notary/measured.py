"""Feeds hostile bytes to our readers in processes with little memory and little time: what becomes of each is told.

Run as a program it reads bombs from its standard input; each is defused in a process of its own, which inherits all
that is loaded, gets 64 MiB more memory and two seconds of processor time, and is killed by the system beyond that.
"""

import ctypes
import json
import os
import pickle
import resource
import subprocess
import sys
import time
from pathlib import Path

from trust.notary.certificates import read_certificates
from trust.notary.errors import NotaryError
from trust.notary.evidence import examine
from trust.notary.media_types import COSE, JWS
from trust.notary.timestamp import examine_timestamp
from trust.notary.trust_policy import TrustPolicy

EXTRA_MEMORY = 64 << 20
SECONDS = 2  # of processor time: twice what is promised, since machines differ
READERS = {  # each answers with its fault, or raises it
    "jws": lambda content: examine(content, JWS).integrity,
    "cose": lambda content: examine(content, COSE).integrity,
    "certificates": lambda content: not read_certificates(content),
    "policy": lambda content: not TrustPolicy.parse(content),
    "memory": lambda _: bytes(EXTRA_MEMORY + (8 << 20)),  # what Python itself gives back meanwhile is less
    "time": lambda _: any(iter(int, 1)),
    "error": lambda content: READERS["error"](content),
    "token": lambda content: examine_timestamp(content, b"message").fault,
}


def defuse(bombs):
    """What became of each bomb, by name: "refused", "taken", or what went wrong. A bomb is (reader, bytes)."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.trust.notary.measured"],
        input=pickle.dumps(bombs),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return json.loads(run.stdout)


def _defuse_apart(reader, content):
    ctypes.CDLL(None).malloc_trim(0)  # what lies about free would not be counted
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(ours, "rb") as pipe:
            told = pipe.read().decode()
        return told or f"killed ({os.WTERMSIG(status)})"
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + EXTRA_MEMORY, size + EXTRA_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    os.write(theirs, _answer(reader, content).encode())
    os._exit(0)


def _answer(reader, content):
    try:
        return "refused" if READERS[reader](content) else "taken"
    except NotaryError:
        return "refused"
    except BaseException as error:
        return f"{type(error).__name__} escaped"


if __name__ == "__main__":
    told = {}
    for name, (reader, content) in pickle.load(sys.stdin.buffer).items():
        start = time.monotonic()
        told[name] = _defuse_apart(reader, content)
        if "-v" in sys.argv:
            sys.stderr.write(f"{time.monotonic() - start:.2f} s {told[name]} {name}\n")
    json.dump(told, sys.stdout)
