"""An image that skopeo copied is indexed, and shown, as any other."""

import json
import subprocess

import pytest
from django.urls import reverse

from dashboard.models import Role
from demo.registry import DemoRegistry, running
from registries.models import Presence, Tag
from tests.dashboard.rows import make_person
from tests.interop.conftest import need
from tests.interop.site import Site, judge
from tests.simulators.images import Author, digest_of

pytestmark = [pytest.mark.interop, pytest.mark.django_db(transaction=True)]

PLATFORMS = [{"os": "linux", "architecture": name} for name in ("amd64", "arm64")]


def skopeo(*arguments):
    command = [need("skopeo", "install Debian's skopeo"), "--insecure-policy", *arguments]
    return subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout


@pytest.mark.parametrize("kept", [["--preserve-digests"], ["--format", "v2s2"]], ids=["OCI", "Docker"])
def test_an_image_that_skopeo_copied_is_indexed_and_shown(kept, empty_docker_registry, tmp_path, client):
    app = DemoRegistry(tmp_path / "from")
    author = Author(app)
    images = [author.image(platform["architecture"]) for platform in PLATFORMS]
    index = author.index(list(zip(images, PLATFORMS, strict=True)), tags="2.0")
    app.close()
    with running(tmp_path / "from") as source, empty_docker_registry.running() as address:
        places = [f"docker://{source.address}/team/app:2.0", f"docker://{address}/team/copy:2.0"]
        skopeo("copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", *kept, *places)
        theirs = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", places[1]))
        site = Site(address)
        assert site.look() == ["team/copy"]
        repository = site.index("team/copy")
    assert (repository.last_error, repository.faults.count()) == ("", 0)
    tag = Tag.objects.get()
    if "--preserve-digests" in kept:
        assert str(tag.digest) == digest_of(index)
    present = set(map(str, Presence.objects.current().values_list("manifest_id", flat=True)))
    assert present == {str(tag.digest), *(entry["digest"] for entry in theirs["manifests"])}
    judge(repository)
    client.force_login(make_person("mara", Role.ADMIN))
    page = client.get(reverse("artifact", args=[repository.pk, tag.digest]))
    assert page.status_code == 200
    text = page.content.decode()
    assert [words for words in ("team/copy", "2.0", str(tag.digest)) if words not in text] == []
