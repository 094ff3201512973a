"""An image of Docker's schema 1, signed as Docker did, in a docker-registry that still takes such images."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from registries.models import Content, Manifest, Tag
from registries.oci.digest import Digest
from registries.oci.media_types import DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED
from tests.interop.pushing import Pusher
from tests.interop.site import Site

pytestmark = [pytest.mark.interop, pytest.mark.django_db(transaction=True)]


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(payload):
    """The manifest with a signature inside, as libtrust writes and checks it."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    info = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = base64.b32encode(hashlib.sha256(info).digest()[:30]).decode()
    numbers = public.public_numbers()
    jwk = {"crv": "P-256", "kid": ":".join(name[at : at + 4] for at in range(0, len(name), 4)), "kty": "EC",
           "x": base64url(numbers.x.to_bytes(32)), "y": base64url(numbers.y.to_bytes(32))}  # fmt: skip
    cut = payload.rindex(b"\n}")
    form = {"formatLength": cut, "formatTail": base64url(payload[cut:]), "time": "2016-01-01T00:00:00Z"}
    protected = base64url(json.dumps(form).encode())
    r, s = decode_dss_signature(key.sign(f"{protected}.{base64url(payload)}".encode(), ec.ECDSA(hashes.SHA256())))
    signature = {"header": {"jwk": jwk, "alg": "ES256"}, "protected": protected,
                 "signature": base64url(r.to_bytes(32) + s.to_bytes(32))}  # fmt: skip
    return payload[:cut] + b',\n   "signatures": ' + json.dumps([signature], indent=3).encode() + b"\n}"


def test_a_signed_image_of_schema_1_is_known_by_the_registrys_own_digest(empty_docker_registry):
    with empty_docker_registry.running(compatibility={"schema1": {"enabled": True}}) as address:
        pusher = Pusher(address, "team/app")
        layer = pusher.blob(b"a layer")
        fields = {"schemaVersion": 1, "name": "team/app", "tag": "old", "architecture": "amd64",
                  "fsLayers": [{"blobSum": layer["digest"]}], "history": [{"v1Compatibility": '{"id":"1"}'}]}  # fmt: skip
        payload = json.dumps(fields, indent=3).encode()
        headers = {"Content-Type": DOCKER_SCHEMA1_SIGNED}
        put = pusher.client.put("manifests/old", content=signed(payload), headers=headers).raise_for_status()
        repository = Site(address).index()
    assert (repository.last_error, repository.faults.count()) == ("", 0)
    digest = Tag.objects.get(name="old").digest
    assert str(digest) == put.headers["Docker-Content-Digest"]
    assert digest == Digest.of(payload)
    assert bytes(Content.objects.get(digest=digest).content) == payload
    assert Manifest.objects.get(digest=digest).media_type == DOCKER_SCHEMA1
