"""The first index of a fleet, beside plain walks over the same registry that fetch the same and store nothing.

    python -m benchmarks.indexing [--repositories N] [--tags N] [--threads N] [--rounds N] [--only REGISTRY]

The registries are Docker's (Debian's docker-registry, without the referrers API) and olareg; each image has five referrers. The walks
are oras-go at concurrency 8, httpx with 8 threads, and httpx with 8 tasks. An artifact is a manifest that was fetched. All of it
shares the cores with the registry; the processor time is the client's. Signboard's is a worker as `make up` starts it, with SQLite;
for PostgreSQL put `python -m tests.simulators.servers` before it.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import fleet_content
from tests.simulators.servers import free_port

PEERS = Path(__file__).parent.parent / "tests/interop/peers"
PYTHON = [sys.executable, "-m"]
REFERRERS = len(fleet_content.REFERRERS)


@dataclass(frozen=True)
class Took:
    """What one way to read the whole registry took."""

    seconds: float
    processor: float
    requests: int
    detail: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=200)
    parser.add_argument("--tags", type=int, default=10)
    parser.add_argument("--threads", type=int, default=6, help="of the worker; 6 is what `make up` has")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=["docker-registry", "olareg"])
    parser.add_argument("--without", nargs="*", default=[], metavar="WALK", help="leave out: oras-go, threads, async")
    options = parser.parse_args()
    names = [made.name for made in fleet_content.fleet(options.repositories, 0)]
    artifacts = options.repositories * options.tags * (1 + REFERRERS)
    print(
        f"{options.repositories} repositories, {options.tags} tags each, {REFERRERS} referrers each: {artifacts} artifacts"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["go", "build", "-o", folder / "peers", "."], cwd=PEERS, check=True)
        ways: dict[str, Callable[[str], Took]] = {
            "oras-go": lambda address: _ran([str(folder / "peers"), "walk", address], names),
            "threads": lambda address: _ran([*PYTHON, "benchmarks.walks", "threads", address], names),
            "async": lambda address: _ran([*PYTHON, "benchmarks.walks", "async", address], names),
            "Signboard": lambda address: _indexed(address, names, artifacts, options.threads),
        }
        for registry, serve in (("docker-registry", _docker_registry), ("olareg", _olareg)):
            if options.only in (None, registry):
                with serve(folder, options.repositories, options.tags) as address:
                    for _ in range(options.rounds):
                        _compare(
                            registry, address, artifacts, {n: w for n, w in ways.items() if n not in options.without}
                        )


def _compare(registry: str, address: str, artifacts: int, ways: dict[str, Callable[[str], Took]]) -> None:
    print(f"\n{registry:16} artifacts/s  seconds  processor s  requests/artifact")
    speeds = {}
    for name, run in ways.items():
        took = run(address)
        speeds[name] = artifacts / took.seconds
        print(
            f"{name:16} {speeds[name]:11.0f}  {took.seconds:7.1f}  {took.processor:11.1f}  {took.requests / artifacts:17.2f}"
            f"  {took.detail}",
            flush=True,
        )
    others = {name: speeds["Signboard"] / speed for name, speed in speeds.items() if name != "Signboard"}
    print("Signboard is     " + ", ".join(f"{ratio:.2f} of {name}" for name, ratio in others.items()))


def _ran(command: list[str], names: list[str]) -> Took:
    began, used = time.monotonic(), _processor_seconds()
    answer = json.loads(_output(command, names))
    return Took(time.monotonic() - began, _processor_seconds() - used, sum(answer.values()))


def _indexed(address: str, names: list[str], artifacts: int, threads: int) -> Took:
    answer: dict[str, Any] = json.loads(_output([*PYTHON, "benchmarks.first_index", address, str(threads)], names))
    rows = answer["rows"]
    assert (rows["manifests"], rows["complete_lists"], rows["faults"]) == (artifacts, artifacts, 0), rows
    detail = f"{answer['requests']}, {rows['contents']} contents stored, {answer['memory']} MiB"
    return Took(answer["seconds"], answer["processor"], sum(answer["requests"].values()), detail)


def _output(command: list[str], names: list[str]) -> str:
    return subprocess.run(command, input="\n".join(names), stdout=subprocess.PIPE, text=True, check=True).stdout


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _docker_registry(folder: Path, repositories: int, tags: int) -> Iterator[str]:
    address, root = f"127.0.0.1:{free_port()}", folder / "docker-registry"
    fleet_content.lay_for_distribution(root, fleet_content.fleet(repositories, tags))
    configuration = folder / "docker-registry.yml"
    configuration.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage:\n  filesystem: {{rootdirectory: {root}}}\n  maintenance: {{uploadpurging: {{enabled: false}}}}\n"
        f"http: {{addr: '{address}', secret: only-for-benchmarks}}\n"
    )
    program = shutil.which("docker-registry")
    assert program, "install Debian's docker-registry"
    with _serving([program, "serve", str(configuration)], address):
        yield address
    shutil.rmtree(root)


@contextmanager
def _olareg(folder: Path, repositories: int, tags: int) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    with _serving([str(folder / "peers"), "serve", address], address):
        fleet_content.push(address, fleet_content.fleet(repositories, tags))
        yield address


@contextmanager
def _serving(command: list[str], address: str) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 20
            while not _answers(address):
                assert server.poll() is None and time.monotonic() < deadline, f"{command[0]} does not serve"
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{address}/v2/", timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
