"""Passwords of connections at rest."""

import base64
import io
import logging

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command
from django.utils import timezone

from demo.registry import Basic, Bearer, DemoRegistry
from registries import connections, credentials, indexing, leases, notifications
from registries.credentials import NOTIFYING, PUSHING, READING, CredentialsError
from registries.endpoints import EndpointKind
from registries.models import Registry, Repository
from tests.simulators.images import Author
from tests.simulators.registry_quirks import Quirks

OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.b64encode(b"n" * 32).decode()
PASSWORD = "gehäuse 🔑"


@pytest.fixture
def registry(db):
    return Registry.objects.create(address="one.test", reference_name="one.test", username="reader")


def sealed(registry, password=PASSWORD):
    registry.sealed_password = credentials.seal(READING, registry, password)
    registry.save()
    return registry


def test_a_password_comes_back_and_is_not_in_the_row(registry):
    stored = Registry.objects.get(pk=sealed(registry).pk)
    assert credentials.open_(READING, stored) == PASSWORD
    assert PASSWORD.encode() not in bytes(stored.sealed_password)


def test_the_same_password_never_looks_the_same(registry):
    assert credentials.seal(READING, registry, PASSWORD) != credentials.seal(READING, registry, PASSWORD)


def test_no_password_is_no_ciphertext(registry):
    assert credentials.seal(READING, registry, "") == b""
    assert credentials.open_(READING, registry) == ""


def test_a_ciphertext_moved_to_another_row_does_not_open(registry):
    other = Registry.objects.create(address="two.test", sealed_password=sealed(registry).sealed_password)
    with pytest.raises(CredentialsError, match="belongs to another row"):
        credentials.open_(READING, other)


def test_a_ciphertext_moved_to_another_column_does_not_open(registry):
    """Whoever can write rows must not make the credentials for pushing those that read, or the other way round."""
    registry.sealed_push_password = sealed(registry).sealed_password
    with pytest.raises(CredentialsError, match="for pushing does not open"):
        credentials.open_(PUSHING, registry)


def test_rotation_renews_every_kind_of_secret(registry, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    sealed(registry)
    registry.sealed_push_password = credentials.seal(PUSHING, registry, "canary")
    registry.save()
    endpoint, secret = notifications.create(registry, EndpointKind.GITHUB, timezone.now())
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert credentials.rotate().renewed == 3
    settings.ENCRYPTION_KEYS = [NEW]
    registry.refresh_from_db()
    endpoint.refresh_from_db()
    opened = [credentials.open_(*one) for one in ((READING, registry), (PUSHING, registry), (NOTIFYING, endpoint))]
    assert opened == [PASSWORD, "canary", secret]


def test_an_endpoint_whose_secret_does_not_open_is_named_with_what_to_do(registry, settings):
    endpoint, _ = notifications.create(registry, EndpointKind.GITHUB, timezone.now())
    settings.ENCRYPTION_KEYS = [NEW]
    assert credentials.rotate().failures == (
        f"the secret of an endpoint of {registry} was encrypted with a key that is not among SIGNBOARD_ENCRYPTION_KEYS. "
        "Add that key at the end of the list, or make another endpoint.",
    )
    assert not endpoint.revoked_at


@pytest.mark.parametrize("place", [0, 5, 12, 25, -1])
def test_an_altered_ciphertext_does_not_open(registry, place):
    content = bytearray(sealed(registry).sealed_password)
    content[place] ^= 1
    registry.sealed_password = bytes(content)
    with pytest.raises(CredentialsError, match="again"):
        credentials.open_(READING, registry)


def test_a_cut_ciphertext_does_not_open(registry):
    content = sealed(registry).sealed_password
    for length in range(1, len(content)):
        registry.sealed_password = content[:length]
        with pytest.raises(CredentialsError):
            credentials.open_(READING, registry)


def test_a_row_without_an_id_cannot_hold_a_password(db):
    with pytest.raises(CredentialsError, match="saved connection"):
        credentials.seal(READING, Registry(address="new.test"), PASSWORD)


def test_after_rotation_the_old_key_is_needed_no_more(registry, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    sealed(registry)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert credentials.open_(READING, registry) == PASSWORD
    assert credentials.rotate().renewed == 1
    assert credentials.rotate().renewed == 0
    settings.ENCRYPTION_KEYS = [NEW]
    assert credentials.open_(READING, Registry.objects.get(pk=registry.pk)) == PASSWORD


def test_a_key_that_was_removed_too_early_is_named(registry, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    sealed(registry)
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CredentialsError, match="SIGNBOARD_ENCRYPTION_KEYS"):
        credentials.open_(READING, registry)


@pytest.mark.parametrize("keys", [[], ["not base64!"], [base64.b64encode(b"short").decode()]])
def test_keys_that_cannot_be_used_are_named(registry, settings, keys):
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(CredentialsError, match="SIGNBOARD_ENCRYPTION_KEYS"):
        credentials.seal(READING, registry, PASSWORD)


def test_rotation_goes_on_past_a_password_that_does_not_open_and_says_which(registry, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    sealed(registry)
    broken = Registry.objects.create(address="two.test", sealed_password=registry.sealed_password)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    output = io.StringIO()
    with pytest.raises(CommandError, match=r"Keep the older keys[^\0]*two\.test") as caught:
        call_command("rotate_keys", stdout=output)
    assert output.getvalue() == "1 sealed anew with the newest key.\n"
    assert PASSWORD not in str(caught.value)
    broken.delete()
    call_command("rotate_keys", stdout=output)
    assert "remove those" in output.getvalue()


@pytest.mark.parametrize("auth", [Basic({"reader": PASSWORD}), Bearer({"reader": PASSWORD})])
def test_no_secret_is_logged_or_kept_in_the_clear(registry, tmp_path, caplog, auth):
    caplog.set_level(logging.DEBUG)
    app = Quirks(DemoRegistry(tmp_path, auth=auth))
    Author(app.app).image(tags=["v1"])
    sealed(registry)
    repository = Repository.objects.create(registry=registry, name="team/app")
    assert connections.test(registry, wire=app.wire()).ok
    lease = leases.take(Repository.objects.all(), repository.pk)
    with connections.open_source(registry, wire=app.wire()) as source:
        indexing.index_repository(repository, source, lease)
        tokens = [token.header for token in source._connection._authorizer._tokens.values()]
    assert Repository.objects.get().indexed_at
    basic = base64.b64encode(f"reader:{PASSWORD}".encode()).decode()
    everything = caplog.text + serializers.serialize("json", [*Registry.objects.all(), *Repository.objects.all()])
    for secret in (PASSWORD, basic, *(token.removeprefix("Bearer ") for token in tokens)):
        assert secret not in everything
