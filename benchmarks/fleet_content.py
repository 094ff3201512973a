"""Repositories of images with five referrers each, as bytes; laid into a registry before it is asked.

The envelopes are none: an index keeps them unread, and judging them is another benchmark.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
SIGNATURE = "application/vnd.cncf.notary.signature"
REFERRERS = {  # artifact type and type of the one layer
    "jws": (SIGNATURE, "application/jose+json"),
    "cose": (SIGNATURE, "application/cose"),
    "sbom": ("application/spdx+json", "application/spdx+json"),
    "scan": ("application/sarif+json", "application/sarif+json"),
    "provenance": ("application/vnd.in-toto+json", "application/vnd.in-toto+json"),
}


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class Content:
    """One repository."""

    name: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    lists: dict[str, bytes] = field(default_factory=dict)
    "The referrers indexes of a registry without the referrers API, by their tags."

    def blob(self, content: bytes, media_type: str) -> dict[str, object]:
        digest = digest_of(content)
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def manifest(self, **fields: object) -> dict[str, object]:
        content = json.dumps({"schemaVersion": 2, "mediaType": IMAGE} | fields).encode()
        digest = digest_of(content)
        self.manifests[digest] = content
        return {"mediaType": IMAGE, "digest": digest, "size": len(content)}


def fleet(repositories: int, tags: int) -> Iterator[Content]:
    return (_repository(f"bench/app-{number}", tags) for number in range(repositories))


def _repository(name: str, tags: int) -> Content:
    made = Content(name)
    config = made.blob(b'{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json")
    empty = made.blob(b"{}", EMPTY)
    for number in range(tags):
        layer = made.blob(f"layer of {name}".encode(), "application/vnd.oci.image.layer.v1.tar+gzip")
        image = made.manifest(config=config, layers=[layer], annotations={"version": f"{name} 1.{number}"})
        made.tags[f"1.{number}"] = str(image["digest"])
        entries = []
        for kind, (artifact_type, media_type) in REFERRERS.items():
            document = made.blob(
                json.dumps({"of": image["digest"], "is": kind, "text": kind * 400}).encode(), media_type
            )
            notes = {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}
            referrer = made.manifest(
                artifactType=artifact_type, config=empty, layers=[document], subject=image, annotations=notes
            )
            entries.append(referrer | {"artifactType": artifact_type, "annotations": notes})
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        made.lists[str(image["digest"]).replace(":", "-")] = json.dumps(index).encode()
    return made


def lay_for_distribution(root: Path, contents: Iterator[Content]) -> None:
    """Write the files that Docker's registry keeps; pushing them would take as long as all the walks."""
    for made in contents:
        stored = made.blobs | made.manifests
        manifests, tags = dict.fromkeys(made.manifests), dict(made.tags)
        for tag, content in made.lists.items():
            digest = tags[tag] = digest_of(content)
            stored[digest], manifests[digest] = content, None
        top = root / "docker/registry/v2"
        here = top / "repositories" / made.name
        for digest, content in stored.items():
            encoded = digest.partition(":")[2]
            _write(top / "blobs/sha256" / encoded[:2] / encoded / "data", content)
            links = "_manifests/revisions" if digest in manifests else "_layers"
            _write(here / links / "sha256" / encoded / "link", digest.encode())
        for tag, digest in tags.items():
            _write(here / "_manifests/tags" / tag / "current/link", digest.encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def push(address: str, contents: Iterator[Content]) -> None:
    """Push everything into a registry with the referrers API."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda made: _push(address, made), contents))


def _push(address: str, made: Content) -> None:
    connection = HTTPConnection(address)

    def send(method: str, path: str, content: bytes, media_type: str) -> None:
        connection.request(method, f"/v2/{made.name}/{path}", content, {"Content-Type": media_type})
        answer = connection.getresponse()
        detail = answer.read()
        assert answer.status == 201, (path, answer.status, detail)

    for digest, content in made.blobs.items():
        send("POST", f"blobs/uploads/?digest={digest}", content, "application/octet-stream")
    named = {digest: tag for tag, digest in made.tags.items()}
    for digest, content in made.manifests.items():
        send("PUT", f"manifests/{named.get(digest, digest)}", content, IMAGE)
    connection.close()
