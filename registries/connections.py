"""Opening what a connection stands for: a registry through the guarded transport, or a layout directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from registries import capabilities, credential_helpers, credentials, password_files, vendors
from registries.docker_config import TOKEN_USER
from registries.models import Registry
from registries.oci.archive import layout_at
from registries.oci.client import Capabilities, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import LayoutError, OciError, RegistryError, as_sentence
from registries.oci.layout import Layout
from registries.oci.pusher import Pusher
from registries.oci.reference import canonical_registry
from registries.transport import Transport, Wire
from registries.vendors.product import api_host

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
        client = _client(registry, transport)
        try:
            yield client
        finally:
            capabilities.record(registry, client.observed, timezone.now())


def _client(registry: Registry, transport: Transport) -> Client:
    known_as = _known_as(registry)
    options: dict[str, Any] = {
        "realm_hosts": registry.token_services,
        "follow_redirects": registry.follow_redirects,
        "notation_compatible": registry.notation_compatible,
        "renew": partial(_known_by_now, registry) if registry.password_file else None,
    }
    host = api_host(registry.vendor, canonical_registry(registry.address), registry.api_host)
    if not vendors.has_api(registry.vendor, host):
        return Client(transport, base_url(registry), credentials=known_as, **options)
    product = {"product": registry.vendor, "api_host": host}
    return vendors.ProductClient(transport, base_url(registry), credentials=known_as, **product, **options)


def _known_by_now(registry: Registry) -> Credentials:
    """In a thread that asks, once they were refused: the operator's file may hold others by now."""
    try:
        return _known_as(registry)
    except credentials.CredentialsError as error:
        raise RegistryError(str(error), code="unauthorized") from error


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
                notation_compatible=registry.notation_compatible,
            )
        )


def _known_as(registry: Registry) -> Credentials:
    """What this registry knows us by: a helper's answer, the operator's file, or what the connection stores."""
    if registry.password_file:
        try:
            username, secret = registry.username, password_files.read(registry, timezone.now())
        except password_files.PasswordFileError as error:
            raise credentials.CredentialsError(str(error)) from error
    elif registry.credential_helper:
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
            if isinstance(source, Layout):
                return _tested_layout(source)
            return _tested_pushing(registry, wire, _tested_registry(source, registry))
    except (OciError, credentials.CredentialsError) as error:
        return Report(ok=False, message=f"{registry.address} cannot be read.", detail=as_sentence(str(error)))


def wait_of(error: OciError) -> timedelta | None:
    """How long a registry asks to be left alone, if it says so."""
    seconds = error.retry_after if isinstance(error, RegistryError) else None
    return None if seconds is None else timedelta(seconds=max(seconds, 1.0))


def _tested_registry(client: Client, registry: Registry) -> Report:
    found = client.check()
    if isinstance(client, vendors.ProductClient):
        found = _with_own_api(client, registry, found)
    named = [pattern for pattern in registry.repository_patterns if not set("*?") & set(pattern)]
    needs_names = not found.catalog and not named
    message = f"{registry.address} answers."
    if needs_names:
        message += " It does not list its repositories: name them in the connection."
    return Report(ok=not needs_names, message=message, detail=found.detail, catalog=found.catalog)


def _tested_pushing(registry: Registry, wire: Wire | None, found: Report) -> Report:
    """The same, with what the registry says to the credentials for pushing, if there are any."""
    if not registry.push_username:
        return found
    try:
        with open_pusher(registry, wire=wire) as pusher:
            pusher.check()
    except (OciError, credentials.CredentialsError) as error:
        text = f"{found.detail} The credentials for pushing are of no use: {as_sentence(str(error))}"
        return replace(found, ok=False, detail=text)
    return replace(found, detail=f"{found.detail} It took the credentials for pushing too; nothing was written.")


def _with_own_api(client: vendors.ProductClient, registry: Registry, found: Capabilities) -> Capabilities:
    """The same, with what the product's own API lists."""
    wild = [pattern for pattern in registry.repository_patterns if set("*?") & set(pattern)]
    listed = client.own_names(vendors.namespaces_of(wild), 1)
    said = f"{client.vendor.name}'s own API lists repositories."
    if listed.error:
        said = f"{client.vendor.name}'s own API gives no list, so it is done without: {as_sentence(str(listed.error))}"
    detail = " ".join(filter(None, (found.detail, said, listed.note)))
    return replace(found, catalog=found.catalog or listed.error is None, detail=detail)


def _tested_layout(layout: Layout) -> Report:
    tags = layout.tags(layout.repository)
    if tags.error:
        raise tags.error
    return Report(ok=True, message="The directory is an OCI image layout.", detail=f"It has {len(tags.tags)} tags.")
