"""One image to which very much is attached: junk first, then signatures, of which only the last is good."""

import json
from datetime import timedelta
from functools import cache

from demo.pki import Pki
from demo.signing import make_envelope
from registries.oci.digest import Digest
from registries.oci.manifest import MAX_MANIFEST
from tests.simulators.images import INDEX, SIGNATURE, SPDX, descriptor


@cache
def pki(at):
    return Pki.build(at)


def crowd(author, *, junk, signatures, at, api, room=MAX_MANIFEST):
    """Push it; without the API its referrers tag names an index that fills `room` nearly. Answers image and good signature."""
    with author.registry.batch():
        image = author.image("crowded", tags="crowded")
        listed = [(author.referrer(image, annotations={"n": f"{number}"}), SPDX) for number in range(junk)]
        target = {name: descriptor(image)[name] for name in ("mediaType", "digest", "size")}
        for number in range(signatures):
            signer = "release" if number == signatures - 1 else "stranger"
            signing_time = at - timedelta(seconds=number + 1)
            envelope = make_envelope("jws", target, pki(at)[signer], signing_time=signing_time)
            listed.append((author.signature(image, envelope), SIGNATURE))
        if not api:
            _fallback(author, image, listed, room)
    return image, listed[-1][0]


def _fallback(author, image, listed, room):
    entries = [descriptor(content, artifactType=artifact_type) for content, artifact_type in listed]
    fields = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    pad = (room - len(json.dumps(fields)) - 64) // len(entries) - len(', "annotations": {"pad": ""}')
    for entry in entries:
        entry["annotations"] = {"pad": "x" * pad}
    content = author.push(fields, tags=Digest.of(image).fallback_tag)
    assert room * 0.97 < len(content) <= room
