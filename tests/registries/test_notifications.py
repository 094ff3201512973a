"""What notifications of each sender make due, and that they make nothing else happen."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from registries import notifications
from registries.endpoints import Delivery, EndpointKind
from registries.models import Hint, Registry, Repository, Survey
from registries.notifications import NotificationError

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = AT + timedelta(days=1)
DIGEST = "sha256:" + "a" * 64
WHEN = "2026-11-21T11:59:58Z"


@pytest.fixture
def registry():
    row = Registry.objects.create(address="r.test", reference_name="r.test", repository_patterns=["web/*"])
    Survey.objects.create(registry=row, due_at=LATER)
    for name in ("web/cart", "web/other"):
        Repository.objects.create(registry=row, name=name, due_at=LATER, tags_due_at=LATER, indexed_at=AT)
    return row


class Sender:
    def __init__(self, registry, kind):
        self.endpoint, self.secret = notifications.create(registry, EndpointKind(kind), AT)

    def send(self, document, at=AT, **headers):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return notifications.take(self.endpoint, fields, body, at)


@pytest.fixture
def sender(registry):
    return lambda kind: Sender(registry, kind)


def left():
    return set(Hint.objects.values_list("repository__name", "reference"))


def due():
    return {row.name for row in Repository.objects.filter(due_at__lte=AT)}


def tags_due():
    return {row.name for row in Repository.objects.filter(tags_due_at__lte=AT)}


def distribution(action="push", **target):
    event = {"id": "1", "timestamp": WHEN, "action": action, "target": {"repository": "web/cart", **target}}
    return {"events": [event | {"request": {"host": "evil.example"}}]}


def harbor(kind="PUSH_ARTIFACT", tag="1.0"):
    data = {
        "resources": [{"digest": DIGEST, "tag": tag, "resource_url": "evil.example/x"}],
        "repository": {"repo_full_name": "web/cart"},
    }
    return {"type": kind, "occur_at": int(AT.timestamp()), "operator": "a", "event_data": data}


def cloud_event(kind, **data):
    return {"specversion": "1.0", "type": kind, "time": WHEN, "data": data}


def github(action="published", name="cart"):
    version = {"container_metadata": {"tag": {"name": "1.0", "digest": DIGEST}}}
    package = {"name": name, "namespace": "Web", "package_type": "CONTAINER", "package_version": version}
    return {"action": action, "registry_package": package}


def ecr(action="PUSH", **more):
    detail = {
        "action-type": action,
        "result": "SUCCESS",
        "repository-name": "web/cart",
        "image-tag": "1.0",
        "image-digest": DIGEST,
    }
    return {"detail-type": "ECR Image Action", "time": WHEN, "detail": detail | more}


ZOT = {"name": "web/cart", "reference": "1.0", "digest": DIGEST}
ACR = {
    "id": "1",
    "timestamp": WHEN,
    "action": "push",
    "target": {"repository": "web/cart", "tag": "1.0", "digest": DIGEST},
}
PUSHES = [
    ("distribution", distribution(tag="1.0", digest=DIGEST), "1.0"),
    ("distribution", distribution(digest=DIGEST), DIGEST),
    ("harbor", harbor(), "1.0"),
    ("harbor", harbor(tag=DIGEST), DIGEST),
    ("harbor", cloud_event("harbor.artifact.pushed", **harbor()["event_data"]), "1.0"),
    ("zot", cloud_event("zotregistry.image.updated", **ZOT), "1.0"),
    ("quay", {"repository": "web/cart", "updated_tags": ["1.0"], "docker_url": "evil.example/web/cart"}, "1.0"),
    ("acr", ACR, "1.0"),
    ("github", github(), "1.0"),
    ("ecr", ecr(), "1.0"),
    ("ecr", ecr() | {"detail-type": "ECR Referrer Action"}, "1.0"),
]


@pytest.mark.parametrize(("kind", "document", "reference"), PUSHES)
def test_a_push_makes_that_repository_due_and_leaves_a_hint(sender, kind, document, reference):
    assert sender(kind).send(document) == 1
    assert left() == {("web/cart", reference)}
    assert due() == {"web/cart"}
    assert tags_due() == set()


def test_zot_may_write_the_attributes_of_its_events_into_headers(sender):
    sender("zot").send(ZOT, ce_type="zotregistry.image.updated", ce_time=WHEN, ce_id="7")
    assert left() == {("web/cart", "1.0")}


REMOVALS = [
    ("distribution", distribution("delete", tag="1.0")),
    ("distribution", distribution("delete", digest=DIGEST)),
    ("harbor", harbor("DELETE_ARTIFACT")),
    ("zot", cloud_event("zotregistry.image.deleted", **ZOT)),
    ("ecr", ecr("DELETE")),
]


@pytest.mark.parametrize(("kind", "document"), REMOVALS)
def test_a_removal_has_all_tags_read(sender, kind, document):
    sender(kind).send(document)
    assert (due(), tags_due()) == ({"web/cart"}, {"web/cart"})


IDLE = [
    ("distribution", distribution("pull", tag="1.0")),
    ("harbor", harbor("PULL_ARTIFACT")),
    ("harbor", harbor("SCANNING_COMPLETED")),
    ("zot", cloud_event("zotregistry.image.lint_failed", **ZOT)),
    ("github", github() | {"action": "renamed"}),
    ("github", {"zen": "Design for failure.", "hook_id": 1}),
    ("ecr", ecr(result="FAILURE")),
    ("acr", {"id": "1", "action": "ping"}),
]


@pytest.mark.parametrize(("kind", "document"), IDLE)
def test_what_changes_nothing_makes_nothing_due(sender, kind, document):
    assert sender(kind).send(document) == 0
    assert (left(), due()) == (set(), set())


def test_a_repository_that_is_not_known_has_the_catalog_read_where_it_is_wanted(sender):
    sender("quay").send({"repository": "elsewhere/app", "updated_tags": ["1.0"]})
    assert Survey.objects.get().due_at == LATER
    sender("quay").send({"repository": "web/new", "updated_tags": ["1.0"]})
    assert Survey.objects.get().due_at == AT
    assert Repository.objects.count() == 2


def test_a_repository_of_another_connection_is_out_of_reach(sender):
    other = Registry.objects.create(address="other.test", reference_name="other.test")
    foreign = Repository.objects.create(registry=other, name="web/cart", due_at=LATER)
    sender("distribution").send(distribution(tag="1.0"))
    foreign.refresh_from_db()
    assert foreign.due_at == LATER


# replay


def test_a_notification_counts_once(sender):
    harbors = sender("harbor")
    assert harbors.send(harbor()) == 1
    Hint.objects.all().delete()
    assert harbors.send(harbor(), AT + timedelta(minutes=30)) == 0
    assert left() == set()


def test_another_delivery_name_does_not_make_a_signed_body_new(sender):
    hub = sender("github")
    assert hub.send(github(), X_GitHub_Delivery="1") == 1
    assert hub.send(github(), X_GitHub_Delivery="2") == 0


@pytest.mark.parametrize("moment", ["2026-11-21T10:59:00Z", "2026-11-21T12:06:00Z", "1970-01-01T00:00:00Z"])
def test_a_notification_from_another_time_is_no_news(sender, moment):
    document = distribution(tag="1.0")
    document["events"][0]["timestamp"] = moment
    assert sender("distribution").send(document) == 0
    assert left() == set()


def test_what_came_is_remembered_no_longer_than_the_window(sender):
    hub = sender("github")
    hub.send(github())
    hub.send(github(name="other"), AT + timedelta(hours=2))
    assert Delivery.objects.count() == 1


def test_quay_that_says_neither_when_nor_which_is_heard_each_time(sender):
    quay = sender("quay")
    pushed = {"repository": "web/cart", "updated_tags": ["latest"]}
    assert (quay.send(pushed), quay.send(pushed)) == (1, 1)


# proof


def is_proven(sender, body=b"{}", in_url="", **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return notifications.is_proven(sender.endpoint, fields, in_url, body)


@pytest.mark.parametrize("kind", ["distribution", "harbor", "zot", "acr", "ecr"])
def test_a_header_proves_by_the_secret_alone_or_as_bearer(sender, kind):
    one = sender(kind)
    assert is_proven(one, Authorization=f"Bearer {one.secret}")
    assert is_proven(one, Authorization=one.secret)
    for wrong in ("", "Bearer ", f"Bearer {one.secret}x", f"Basic {one.secret}", "Bearer é"):
        assert not is_proven(one, Authorization=wrong)
    assert not is_proven(one, in_url=one.secret)


def test_quay_proves_by_the_address_alone(sender):
    quay = sender("quay")
    assert is_proven(quay, in_url=quay.secret)
    assert not is_proven(quay, in_url="")
    assert not is_proven(quay, Authorization=quay.secret)


def test_github_signs_the_very_bytes(sender):
    hub = sender("github")
    signature = "sha256=" + hmac.new(hub.secret.encode(), b"{}", hashlib.sha256).hexdigest()
    assert is_proven(hub, X_Hub_Signature_256=signature)
    assert not is_proven(hub, b"{ }", X_Hub_Signature_256=signature)
    assert not is_proven(hub, X_Hub_Signature_256="")
    assert not is_proven(hub, Authorization=hub.secret)


def test_secrets_are_kept_hashed_or_sealed_for_their_own_row(sender):
    hub, other, plain = sender("github"), sender("github"), sender("zot")
    assert plain.endpoint.secret_hash == hashlib.sha256(plain.secret.encode()).hexdigest()
    assert not plain.endpoint.sealed_secret
    assert hub.secret.encode() not in bytes(hub.endpoint.sealed_secret)
    assert not hub.endpoint.secret_hash
    other.endpoint.sealed_secret = hub.endpoint.sealed_secret
    with pytest.raises(notifications.credentials.CredentialsError):
        is_proven(other)


def test_rotating_the_keys_keeps_what_github_signs_with(sender, settings):
    hub = sender("github")
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldyE=", *old]
    assert notifications.credentials.rotate().renewed == 1
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    hub.endpoint.refresh_from_db()
    signature = "sha256=" + hmac.new(hub.secret.encode(), b"{}", hashlib.sha256).hexdigest()
    assert is_proven(hub, X_Hub_Signature_256=signature)


# hostile input

HOSTILE = [
    b"", b"null", b"[]", b'"x"', b"[" * 100_000, b'{"a":' * 20 + b"1" + b"}" * 20, b'{"events":[],"events":[]}',
    b"\xff\xfe", b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\\ud800"}', b'{"a":99999999999999999999}',
    b'{"events":[' + b",".join([b"{}"] * 30_000) + b"]}",
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_strict_json_object_is_refused(sender, body):
    with pytest.raises(NotificationError):
        sender("distribution").send(body)


ODD = [
    None,
    7,
    True,
    "x" * 1000,
    "../../etc/passwd",
    "WEB/CART",
    "web/cart\0",
    "http://evil.example/web/cart",
    [],
    {},
    ["web/cart"],
]


@pytest.mark.parametrize("kind", EndpointKind.values)
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_values_make_nothing_due_and_raise_nothing(sender, kind, odd):
    one = sender(kind)
    shapes = [
        {"events": [{"action": "push", "target": {"repository": odd, "tag": odd, "digest": odd}, "timestamp": odd}]},
        {"events": odd}, {"action": "push", "target": odd}, {"action": odd, "target": {"repository": "web/cart"}},
        {"type": "PUSH_ARTIFACT", "occur_at": odd, "event_data": {"repository": {"repo_full_name": odd}, "resources": [odd]}},
        {"type": "PUSH_ARTIFACT", "event_data": odd}, {"type": odd, "data": odd},
        {"type": "zotregistry.image.updated", "data": {"name": odd, "reference": odd}},
        {"repository": odd, "updated_tags": odd}, {"action": "published", "registry_package": odd},
        {"action": "published", "package": {"package_type": "container", "name": odd, "namespace": odd, "owner": odd}},
        {"time": odd, "detail": {"action-type": "PUSH", "repository-name": odd, "image-tag": odd}}, {"detail": odd},
    ]  # fmt: skip
    for shape in shapes:
        assert one.send(shape) == 0
    assert left() == set()


def test_odd_tags_of_a_known_repository_only_have_its_tags_read(sender):
    sender("quay").send({"repository": "web/cart", "updated_tags": ["<script>", "../x", "a" * 129]})
    assert left() == set()
    assert tags_due() == {"web/cart"}


def test_more_notices_than_anybody_sends_are_refused(sender):
    events = distribution(tag="1.0")["events"] * 501
    with pytest.raises(NotificationError):
        sender("distribution").send({"events": events})
