"""What a plain walk takes: everything that an index reads, fetched by httpx and thrown away.

    python -m benchmarks.walks threads|async ADDRESS < names of repositories

Every tag, manifest, list of referrers (of referrers too), envelope and document once, eight repositories at a time.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from registries.oci.media_types import MANIFEST_ACCEPT

AT_ONCE = 8
Walking = Generator[tuple[str, str], httpx.Response]
"Kinds and paths of requests; it is sent the answers."


@dataclass
class Registry:
    """What the walks through its repositories have in common."""

    requests: Counter[str] = field(default_factory=Counter)
    api: bool | None = None

    def repository(self, name: str) -> Walking:
        tags = (yield "tags", f"{name}/tags/list").json()["tags"]
        ordinary = [tag for tag in tags if not tag.startswith("sha256-")]
        for tag in ordinary:
            answer = yield "manifest", f"{name}/manifests/{tag}"
            yield from self._referrers(name, answer.headers["Docker-Content-Digest"], frozenset(tags))

    def _referrers(self, name: str, digest: str, tags: frozenset[str]) -> Walking:
        listed: list[dict[str, str]] = []
        tag = digest.replace(":", "-")
        if self.api is not False:
            answer = yield "referrers", f"{name}/referrers/{digest}"
            self.api = answer.status_code == 200
            listed = (answer.json()["manifests"] or []) if self.api else []  # null: none, says olareg
        if not self.api and tag in tags:
            listed = (yield "manifest", f"{name}/manifests/{tag}").json()["manifests"]
        for entry in listed:
            manifest = (yield "manifest", f"{name}/manifests/{entry['digest']}").json()
            for layer in manifest["layers"]:
                yield "blob", f"{name}/blobs/{layer['digest']}"
            yield from self._referrers(name, entry["digest"], tags)


def in_threads(address: str, names: Iterable[str]) -> Registry:
    registry = Registry()
    with httpx.Client(base_url=f"http://{address}/v2/", trust_env=False) as client:

        def walk(name: str) -> None:
            steps = registry.repository(name)
            kind, path = next(steps)
            try:
                while True:
                    registry.requests[kind] += 1
                    kind, path = steps.send(client.get(path, headers={"Accept": MANIFEST_ACCEPT}))
            except StopIteration:
                return

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(walk, names))
    return registry


async def with_tasks(address: str, names: Iterable[str]) -> Registry:
    registry, free = Registry(), asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=f"http://{address}/v2/", trust_env=False) as client:

        async def walk(name: str) -> None:
            async with free:
                steps = registry.repository(name)
                kind, path = next(steps)
                try:
                    while True:
                        registry.requests[kind] += 1
                        kind, path = steps.send(await client.get(path, headers={"Accept": MANIFEST_ACCEPT}))
                except StopIteration:
                    return

        await asyncio.gather(*map(walk, names))
    return registry


if __name__ == "__main__":
    how, place = sys.argv[1:]
    named = sys.stdin.read().split()
    walked = asyncio.run(with_tasks(place, named)) if how == "async" else in_threads(place, named)
    json.dump(walked.requests, sys.stdout)
