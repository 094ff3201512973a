"""Notifications of registries: what changed, as far as they may be believed, which is only where to look.

A host, a digest's content or a link in a notification is never used: the endpoint says which connection it is about, and what is
there is asked of the registry itself.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from registries import credentials, hints, survey
from registries.endpoints import AHEAD, WINDOW, Delivery, Endpoint, EndpointKind, Proof
from registries.models import Registry, Repository, Survey
from registries.oci import strict_json
from registries.oci.digest import Digest
from registries.oci.errors import DigestError
from registries.oci.reference import is_repository_name, is_tag

MAX_BODY = 256 * 1024
MAX_DEPTH = 16
MAX_CONTAINERS = 20_000
MAX_NOTICES = 500
PUSHES = frozenset({"push", "mount", "chart_push", "push_artifact", "harbor.artifact.pushed", "published", "updated"})
REMOVALS = frozenset({"delete", "chart_delete", "delete_artifact", "harbor.artifact.deleted", "deleted"})


class NotificationError(Exception):
    """A notification that cannot be taken; the text is for whoever set the sender up."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something changed in a repository, says somebody."""

    repository: str
    tag: str = ""
    digest: str = ""
    removed: bool = False
    at: datetime | None = None


def create(registry: Registry, kind: EndpointKind, at: datetime) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which nobody can have a second time."""
    secret = secrets.token_urlsafe(32)
    endpoint = Endpoint.objects.create(registry=registry, kind=kind, created_at=at)
    if kind.proof is Proof.HMAC:
        endpoint.sealed_secret = credentials.seal(credentials.NOTIFYING, endpoint, secret)
    else:
        endpoint.secret_hash = hashlib.sha256(secret.encode()).hexdigest()
    endpoint.save(update_fields=["sealed_secret", "secret_hash"])
    return endpoint, secret


def is_proven(endpoint: Endpoint, headers: Mapping[str, str], in_url: str, body: bytes) -> bool:
    """Whether the sender knows the secret; every comparison takes the same time, whatever was sent."""
    proof = EndpointKind(endpoint.kind).proof
    if proof is Proof.HMAC:
        key = credentials.open_(credentials.NOTIFYING, endpoint).encode()
        expected = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), headers.get("X-Hub-Signature-256", "").encode())
    given = in_url if proof is Proof.URL else _in_header(headers)
    return hmac.compare_digest(hashlib.sha256(given.encode()).hexdigest(), endpoint.secret_hash)


def _in_header(headers: Mapping[str, str]) -> str:
    """The secret as it may come in `Authorization`: as it is, or after "Bearer"."""
    value = headers.get("Authorization", "")
    return value[7:].strip() if value[:7].lower() == "bearer " else value.strip()


def take(endpoint: Endpoint, headers: Mapping[str, str], body: bytes, at: datetime) -> int:
    """Make what a proven notification names due now; how many repositories that were. Raises NotificationError."""
    try:
        document = strict_json.loads(body, max_depth=MAX_DEPTH, max_containers=MAX_CONTAINERS)
    except strict_json.StrictJsonError as error:
        raise NotificationError(f"the notification is not JSON that is accepted: {error}") from error
    if not isinstance(document, dict):
        raise NotificationError("the notification is not a JSON object")
    if kind := headers.get("ce-type", ""):  # a CloudEvent in binary mode: its attributes are in headers
        document = {"type": kind, "time": headers.get("ce-time", ""), "data": document}
    notices = []
    for notice in READERS[EndpointKind(endpoint.kind)](document):
        notices.append(notice)
        if len(notices) > MAX_NOTICES:
            raise NotificationError(f"the notification names more than {MAX_NOTICES} things")
    news = [notice for notice in notices if notice.at is None or at - WINDOW <= notice.at <= at + AHEAD]
    with transaction.atomic():
        if not _is_first(endpoint, headers, body, at):
            return 0
        return _leave(endpoint.registry, news, at)


def _is_first(endpoint: Endpoint, headers: Mapping[str, str], body: bytes, at: datetime) -> bool:
    """Whether this notification has not come within the window. Quay's say neither when nor which: two pushes look alike."""
    if endpoint.kind == EndpointKind.QUAY:
        return True
    Delivery.objects.filter(endpoint=endpoint, at__lt=at - WINDOW - AHEAD).delete()
    # What is signed is the body: a header could be exchanged to have it taken twice.
    name = "" if EndpointKind(endpoint.kind).proof is Proof.HMAC else headers.get("ce-id", "")
    fingerprint = hashlib.sha256(name.encode() + b"\0" + body).hexdigest()
    if Delivery.objects.filter(endpoint=endpoint, fingerprint=fingerprint).exists():
        return False
    Delivery.objects.bulk_create([Delivery(endpoint=endpoint, fingerprint=fingerprint, at=at)], ignore_conflicts=True)
    return True


def _leave(registry: Registry, notices: Iterable[Notice], at: datetime) -> int:
    by_name: dict[str, list[Notice]] = {}
    for notice in notices:
        if is_repository_name(notice.repository):
            by_name.setdefault(notice.repository, []).append(notice)
    known = {row.name: row for row in Repository.objects.filter(registry=registry, name__in=by_name)}
    for name, row in known.items():
        references = [reference for notice in by_name[name] for reference in _references(notice)]
        if references:
            hints.leave(row, references, at)
        if not references or any(notice.removed for notice in by_name[name]):
            hints.leave(row, (), at)
    if any(_is_wanted(registry, name) for name in by_name.keys() - known.keys()):
        Survey.objects.filter(registry=registry, last_error="").update(due_at=at)
    return len(known)


def _references(notice: Notice) -> list[str]:
    """Where to look: at a tag, at a digest, or at both where the one may be gone."""
    valid = [notice.tag] if is_tag(notice.tag) else []
    if not valid or notice.removed:
        with suppress(DigestError):
            valid.append(str(Digest.parse(notice.digest or notice.tag)))
    return valid


def _is_wanted(registry: Registry, name: str) -> bool:
    patterns = [pattern for pattern in registry.repository_patterns if isinstance(pattern, str)]
    return not patterns or any(survey.matches(pattern, name) for pattern in patterns)


# one reader for each kind of sender: registries.md has their shapes


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 512 else ""


def _moment(value: object) -> datetime | None:
    """A time as it is written, or as seconds since 1970; None where there is none that can be read."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(_text(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _distribution(document: Mapping[str, Any]) -> Iterator[Notice]:
    events = _objects(document.get("events")) if "events" in document else iter([document])  # ACR sends one, unwrapped
    for event in events:
        action, target = _text(event.get("action")).lower(), _object(event.get("target"))
        if action in PUSHES | REMOVALS:
            yield Notice(
                _text(target.get("repository")),
                _text(target.get("tag")),
                _text(target.get("digest")),
                action in REMOVALS,
                _moment(event.get("timestamp")),
            )


def _harbor(document: Mapping[str, Any]) -> Iterator[Notice]:
    """Its own shape, and the same inside a CloudEvent."""
    kind = _text(document.get("type")).lower()
    data = _object(document.get("event_data") or document.get("data"))
    at = _moment(document.get("occur_at") or document.get("time"))
    name = _text(_object(data.get("repository")).get("repo_full_name"))
    if kind not in PUSHES | REMOVALS:
        return
    for resource in _objects(data.get("resources")):
        yield Notice(name, _text(resource.get("tag")), _text(resource.get("digest")), kind in REMOVALS, at)


def _zot(document: Mapping[str, Any]) -> Iterator[Notice]:
    """CloudEvents."""
    kind, data = _text(document.get("type")), _object(document.get("data"))
    if kind.rpartition(".")[2] in ("updated", "deleted", "created"):
        removed = kind.endswith(".deleted")
        at = _moment(document.get("time"))
        yield Notice(_text(data.get("name")), _text(data.get("reference")), _text(data.get("digest")), removed, at)


def _quay(document: Mapping[str, Any]) -> Iterator[Notice]:
    tags = document.get("updated_tags")
    name = _text(document.get("repository"))
    named = [_text(tag) for tag in tags] if isinstance(tags, list | dict) else []
    yield from (Notice(name, tag) for tag in named or [""])


def _github(document: Mapping[str, Any]) -> Iterator[Notice]:
    package = _object(document.get("registry_package") or document.get("package"))
    action = _text(document.get("action")).lower()
    if action not in PUSHES | REMOVALS or _text(package.get("package_type")).lower() not in ("container", "docker"):
        return
    owner = _text(package.get("namespace")) or _text(_object(package.get("owner")).get("login"))
    tag = _object(_object(_object(package.get("package_version")).get("container_metadata")).get("tag"))
    name = f"{owner}/{_text(package.get('name'))}".lower()
    yield Notice(name, _text(tag.get("name")), _text(tag.get("digest")), action in REMOVALS)


def _ecr(document: Mapping[str, Any]) -> Iterator[Notice]:
    detail = _object(document.get("detail"))
    action = _text(detail.get("action-type")).lower()
    if action in PUSHES | REMOVALS and _text(detail.get("result")).upper() in ("", "SUCCESS"):
        yield Notice(
            _text(detail.get("repository-name")),
            _text(detail.get("image-tag")),
            _text(detail.get("image-digest")),
            action in REMOVALS,
            _moment(document.get("time")),
        )


READERS: dict[EndpointKind, Callable[[Mapping[str, Any]], Iterator[Notice]]] = {
    EndpointKind.DISTRIBUTION: _distribution,
    EndpointKind.HARBOR: _harbor,
    EndpointKind.ZOT: _zot,
    EndpointKind.QUAY: _quay,
    EndpointKind.ACR: _distribution,
    EndpointKind.GITHUB: _github,
    EndpointKind.ECR: _ecr,
}


def note(endpoint: Endpoint, at: datetime, problem: str = "") -> None:
    """Keep on the endpoint how its last notification went."""
    mine = Endpoint.objects.filter(pk=endpoint.pk)
    if problem:
        mine.update(last_problem=problem[:200])
    else:
        mine.update(last_used_at=at, last_problem="", accepted=F("accepted") + 1)
