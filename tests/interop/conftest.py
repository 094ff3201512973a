"""Real peers on loopback: olareg and notation-go in a small Go program of ours, and Debian's docker-registry."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ADDRESS = "127.0.0.1:PORT"
PEERS = Path(__file__).parent / "peers"


def need(program, why):
    """Skip without `program`; in CI, where everything is installed, that would hide a failure."""
    found = shutil.which(program)
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed: {why}")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def peers(tmp_path_factory):
    """The compiled peers program."""
    go = need("go", "the peers program is compiled from tests/interop/peers")
    program = tmp_path_factory.mktemp("peers") / "peers"
    subprocess.run([go, "build", "-o", program, "."], cwd=PEERS, check=True, timeout=600)
    return program


class Server:
    """A program that listens on loopback until the fixture ends."""

    def __init__(self, command, port, **options):
        self.address = f"127.0.0.1:{port}"
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        deadline = time.monotonic() + 20
        while not self.answers():
            assert self.process.poll() is None, f"{command[0]} ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"{command[0]} does not answer at {self.address}"
            time.sleep(0.05)

    def answers(self):
        try:
            urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@contextmanager
def serving(command, port=None):
    """A program that listens on a port; ADDRESS in its command is where."""
    port = port or free_port()
    server = Server([f"127.0.0.1:{port}" if word is ADDRESS else word for word in command], port)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def olareg(peers):
    """The address of an OCI 1.1 registry with referrers API."""
    with serving([str(peers), "serve", ADDRESS]) as server:
        yield server.address


@pytest.fixture(scope="session")
def olareg_without_api(peers):
    """The same without the referrers API."""
    with serving([str(peers), "serve", ADDRESS, "no-referrers"]) as server:
        yield server.address


class DockerRegistry:
    """Debian's docker-registry over a folder, run with any configuration."""

    def __init__(self, folder):
        self.program = need("docker-registry", "install Debian's docker-registry")
        self.folder = folder
        self.data = folder / "data"

    @contextmanager
    def running(self, port=None, **sections):
        """Serve the folder until the block ends; answers the address."""
        port = port or free_port()
        cache = {"storage": {"filesystem": {"rootdirectory": str(self.data)}, "delete": {"enabled": True},
                             "maintenance": {"uploadpurging": {"enabled": False}}}}  # fmt: skip
        http = {"addr": f"127.0.0.1:{port}", "secret": "only-for-tests"}
        log = {"level": "error", "accesslog": {"disabled": True}}
        file = self.folder / f"config-{port}.yml"
        file.write_text(json.dumps({"version": "0.1", "log": log, "http": http, **cache, **sections}))  # JSON is YAML
        with serving([self.program, "serve", str(file)], port) as server:
            yield server.address


@pytest.fixture
def empty_docker_registry(tmp_path):
    return DockerRegistry(tmp_path)


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory):
    """The address of a registry without referrers API."""
    with DockerRegistry(tmp_path_factory.mktemp("docker-registry")).running() as address:
        yield address


@pytest.fixture(scope="session")
def oracle(peers):
    """Asks notation-go: `oracle(do="verify", …)` is its answer."""
    process = subprocess.Popen([str(peers), "ask"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(**question):
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait(20)
