"""Real peers on loopback: olareg and notation-go in a small Go program of ours, and Debian's docker-registry."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
def olareg(peers):
    """The address of an OCI 1.1 registry with referrers API."""
    port = free_port()
    server = Server([str(peers), "serve", f"127.0.0.1:{port}"], port)
    yield server.address
    server.stop()


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory):
    """The address of a registry without referrers API."""
    program = need("docker-registry", "install Debian's docker-registry")
    folder, port = tmp_path_factory.mktemp("docker-registry"), free_port()
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage:\n  filesystem: {{rootdirectory: {folder / 'data'}}}\n  maintenance: {{uploadpurging: {{enabled: false}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}', secret: only-for-tests}}\n"
    )
    server = Server([program, "serve", str(folder / "config.yml")], port)
    yield server.address
    server.stop()


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
