"""Opening what a connection stands for: a registry through the guarded transport, or a layout directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from registries import capabilities, credential_helpers, credentials
from registries.docker_config import TOKEN_USER
from registries.models import Registry
from registries.oci.archive import layout_at
from registries.oci.client import Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import LayoutError, OciError, RegistryError, as_sentence
from registries.oci.layout import Layout
from registries.oci.pusher import Pusher
from registries.oci.reference import canonical_registry
from registries.transport import Transport, Wire

Opened = Client | Layout
DOCKER_HUB = "registry-1.docker.io"  # where docker.io answers


@dataclass(frozen=True, slots=True)
class Report:
    """What testing a connection found, fit to show."""

    ok: bool
    message: str
    detail: str = ""
    catalog: bool = False


@contextmanager
def open_source(registry: Registry, *, wire: Wire | None = None) -> Iterator[Opened]:
    """What to index from, closed afterwards; raises CredentialsError or OciError if it cannot even be asked.

    `wire` carries the requests instead of the network (a simulated registry).
    """
    if registry.source == Registry.Source.LAYOUT:
        yield open_layout(registry)
        return
    with Transport(allowed=registry.allowed_networks, ca_pem=registry.tls_ca, app=wire) as transport:
        client = Client(
            transport,
            base_url(registry),
            credentials=_known_as(registry),
            realm_hosts=registry.token_services,
            follow_redirects=registry.follow_redirects,
        )
        try:
            yield client
        finally:
            capabilities.record(registry, client.observed, timezone.now())


@contextmanager
def open_pusher(registry: Registry, *, wire: Wire | None = None) -> Iterator[Pusher]:
    """What to write with, closed afterwards: the one place where the credentials for pushing are used."""
    if registry.source == Registry.Source.LAYOUT:
        raise LayoutError(f"{registry} is a layout, which is only read; push to a registry")
    known_as = _credentials(registry.push_username, credentials.open_(credentials.PUSHING, registry))
    with Transport(allowed=registry.allowed_networks, ca_pem=registry.tls_ca, app=wire) as transport:
        yield Pusher(
            Connection(
                transport,
                base_url(registry),
                credentials=known_as,
                realm_hosts=registry.token_services,
                pushes=True,
            )
        )


def _known_as(registry: Registry) -> Credentials:
    """What this registry knows us by: a helper's answer, or what the connection stores."""
    if registry.credential_helper:
        try:
            found = credential_helpers.get(registry.credential_helper, registry.address)
        except credential_helpers.HelperError as error:
            raise credentials.CredentialsError(str(error)) from error
        username, secret = found.username, found.secret
    else:
        username, secret = registry.username, credentials.open_(credentials.READING, registry)
    return _credentials(username, secret)


def _credentials(username: str, secret: str) -> Credentials:
    return Credentials(identity_token=secret) if username == TOKEN_USER and secret else Credentials(username, secret)


def base_url(registry: Registry) -> str:
    host = DOCKER_HUB if canonical_registry(registry.address) == "docker.io" else registry.address
    return f"{'http' if registry.plain_http else 'https'}://{host}"


def host_of(registry: Registry) -> str:
    """The host that is asked, under the one name that its budget has."""
    return base_url(registry).partition("://")[2].lower() if registry.source == Registry.Source.REGISTRY else ""


def open_layout(registry: Registry) -> Layout:
    """The layout directory of a connection, below the one folder where layouts may lie."""
    if not settings.LAYOUT_ROOT:
        raise LayoutError("layout directories are switched off: SIGNBOARD_LAYOUT_ROOT is not set")
    top = Path(settings.LAYOUT_ROOT).resolve()
    path = (top / registry.address).resolve()
    if path == top or not path.is_relative_to(top):
        raise LayoutError(f"{registry.address!a} is not a folder below the folder of layouts")
    return layout_at(path, layout_repository(registry))


def layout_repository(registry: Registry) -> str:
    """The repository that a layout stands for; its folder's name where it stands for none."""
    return str(registry.repository_patterns[0]) if registry.repository_patterns else registry.address


def test(registry: Registry, *, wire: Wire | None = None) -> Report:
    """Ask now and say what came of it; never raises for what a registry, a directory or the settings do."""
    try:
        with open_source(registry, wire=wire) as source:
            return _tested_layout(source) if isinstance(source, Layout) else _tested_registry(source, registry)
    except (OciError, credentials.CredentialsError) as error:
        return Report(ok=False, message=f"{registry.address} cannot be read.", detail=as_sentence(str(error)))


def wait_of(error: OciError) -> timedelta | None:
    """How long a registry asks to be left alone, if it says so."""
    seconds = error.retry_after if isinstance(error, RegistryError) else None
    return None if seconds is None else timedelta(seconds=max(seconds, 1.0))


def _tested_registry(client: Client, registry: Registry) -> Report:
    found = client.check()
    named = [pattern for pattern in registry.repository_patterns if not set("*?") & set(pattern)]
    needs_names = not found.catalog and not named
    message = f"{registry.address} answers."
    if needs_names:
        message += " It does not list its repositories: name them in the connection."
    return Report(ok=not needs_names, message=message, detail=found.detail, catalog=found.catalog)


def _tested_layout(layout: Layout) -> Report:
    tags = layout.tags(layout.repository)
    if tags.error:
        raise tags.error
    return Report(ok=True, message="The directory is an OCI image layout.", detail=f"It has {len(tags.tags)} tags.")
