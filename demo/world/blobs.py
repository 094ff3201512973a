"""Files outside of any registry, each with a detached signature, and the blob trust policy that they fall under."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from demo import signing
from demo.pki import Identity, Pki
from demo.world.statements import ACME_RELEASE

CONTENT = b"Acme command line 1.4.0\nThis stands for an archive that is downloaded from a web page.\n"
POLICY = {
    "version": "1.0",
    "trustPolicies": [
        {
            "name": "downloads",
            "globalPolicy": True,
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:acme"],
            "trustedIdentities": [ACME_RELEASE],
        }
    ],
}


def blob_policy() -> bytes:
    """The blob trust policy document."""
    return (json.dumps(POLICY, indent=2) + "\n").encode()


def blobs(pki: Pki, now: datetime) -> Mapping[str, bytes]:
    """Two files by name, one of them altered after signing, and a signature of each in notation's `NAME.jws.sig`."""
    signature = _sign(CONTENT, pki["release"], now - timedelta(days=2))
    return {
        "acme-cli-1.4.0.txt": CONTENT,
        "acme-cli-1.4.0.txt.jws.sig": signature,
        "altered-acme-cli-1.4.0.txt": CONTENT.replace(b"1.4.0", b"1.4.1"),
        "altered-acme-cli-1.4.0.txt.jws.sig": signature,
    }


def _sign(content: bytes, signer: Identity, signing_time: datetime) -> bytes:
    algorithm = signing.ALGORITHMS[signer.key.key_size].hash.name  # notation names a blob by the signature's own hash
    target = {
        "mediaType": "text/plain",
        "digest": f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}",
        "size": len(content),
    }
    return signing.make_envelope("jws", target, signer, signing_time=signing_time)
