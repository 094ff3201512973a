"""From the moment that a revision is committed nobody who asks is shown green by the one before it."""

import csv
import io
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from registries.models import Listing
from tests.dashboard.rows import make_person
from tests.trust.seeding import Place, policy, publish, statement, store_files
from trust import drafts, revisions
from trust.revisions import Content

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_page_api_or_export_shows_green_by_the_old_revision_once_the_new_one_is_committed():
    place = Place()
    image = place.signed("release", tag="1.0")
    Listing.objects.update(checked_at=timezone.now())
    publish()
    place.judge()
    maria = make_person("maria", Role.ADMIN)
    addresses = {
        "page": reverse("artifacts"),
        "json": reverse("api_artifacts"),
        "csv": reverse("api_artifacts") + "?format=csv",
        "overview": reverse("overview"),
        "artifact": reverse("artifact", args=[place.repository.pk, image.digest]),
        "trust": reverse("api_artifact_trust", args=[place.repository.pk, image.digest]),
    }
    seen, done = [], Event()

    clients = {name: Client() for name in addresses}
    for client in clients.values():
        client.force_login(maria)

    def read(name):
        try:
            while not done.is_set():
                began = time.monotonic()
                try:
                    answer = clients[name].get(addresses[name])
                except OperationalError:  # SQLite in memory does not wait for a lock
                    continue
                seen.append((name, began, is_green(name, answer)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(addresses)) as pool:
        readers = [pool.submit(read, name) for name in addresses]
        try:
            wait_for(lambda: {name for name, _, green in seen if green} >= {"page", "json", "csv", "artifact", "trust"})
            draft = drafts.begin(
                Content(policy(statement(identities=["x509.subject: C=DE, ST=BE, O=Nobody"])), store_files()),
                revisions.active_number(), maria, timezone.now(), reason="because",
            )  # fmt: skip
            apply(draft, maria)
            committed = time.monotonic()
            wait_for(lambda: {name for name, began, _ in seen if began > committed} == set(addresses))
        finally:
            done.set()
        for reader in readers:
            reader.result()

    assert not [(name, began - committed) for name, began, green in seen if green and began > committed]


def is_green(name, answer):
    """Whether the answer says of the artifact that it is verified now."""
    if name in ("json", "trust"):
        found = answer.json()
        return (found["results"][0] if name == "json" else found)["status"] == "verified"
    if name == "csv":
        return next(csv.DictReader(io.StringIO(answer.content.decode())))["status"] == "verified"
    return 'class="badge is-verified"' in answer.content.decode()


def apply(draft, author):
    while True:
        try:
            return drafts.apply(draft, author, timezone.now())
        except OperationalError:
            continue


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
