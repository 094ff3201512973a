"""Docker's `config.json`: the credential that it holds for one registry. Nothing in it is ever run."""

import base64
import binascii
from dataclasses import dataclass, field

from registries.oci import strict_json
from registries.oci.reference import canonical_registry

MAX_SIZE = 256 * 1024
TOKEN_USER = "<token>"  # noqa: S105  # Docker's user name for "the secret is an identity token"
_PULL_SECRET = ".dockerconfigjson"  # noqa: S105  # the same file inside a Kubernetes secret


class DockerConfigError(Exception):
    """The file holds no credential for this registry; the text says what it holds instead, and no secret."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a connection stores: a user name, and a password or (for `<token>`) an identity token."""

    username: str
    secret: str = field(repr=False)


def login_for(content: str, address: str) -> Login:
    """The credential for the registry at `address` (host[:port]); raises DockerConfigError if there is none."""
    document = _document(content)
    entries = _member(document, "auths")
    wanted = canonical_registry(address)
    # The most specific wins, as in containers-auth.json: paths below a host are of other repositories' users.
    name = next((name for name in entries if _host_of(name) == wanted), None)
    if name is None:
        raise DockerConfigError(_absence(document, entries, address))
    entry = entries[name]
    if not isinstance(entry, dict):
        raise DockerConfigError(f"the entry for {address} is not an object")
    return _login(entry, address, document)


def _login(entry: dict[str, object], address: str, document: dict[str, object]) -> Login:
    identity = entry.get("identitytoken")
    if isinstance(identity, str) and identity:
        return Login(TOKEN_USER, identity)
    username, secret = entry.get("username"), entry.get("password")
    encoded = entry.get("auth")
    if isinstance(encoded, str) and encoded:
        try:
            username, colon, secret = base64.b64decode(encoded, validate=True).rstrip(b"\0").decode().partition(":")
        except (binascii.Error, ValueError) as error:
            raise DockerConfigError(f"the entry for {address} is not a user name and password in base64") from error
        if not colon:
            raise DockerConfigError(f"the entry for {address} is not a user name and password in base64")
    if isinstance(username, str) and isinstance(secret, str) and username and secret:
        return Login(username, secret)
    if entry.get("registrytoken"):
        raise DockerConfigError(f"the entry for {address} is a token that soon expires; log in with a password or key")
    raise DockerConfigError(_absence(document, {}, address))


def _document(content: str) -> dict[str, object]:
    if len(content) > MAX_SIZE:
        raise DockerConfigError(f"the file is longer than {MAX_SIZE // 1024} KiB")
    try:
        document = strict_json.loads(content.encode(errors="replace"))
    except strict_json.StrictJsonError as error:
        # The parser's own words may quote what it read.
        raise DockerConfigError("this is not JSON; paste all of ~/.docker/config.json") from error
    if not isinstance(document, dict):
        raise DockerConfigError("this is not a config.json of Docker")
    for member in ("data", "stringData"):
        sealed = _member(document, member).get(_PULL_SECRET)
        if isinstance(sealed, str) and document.get("kind") == "Secret":
            return _document(_decoded(sealed) if member == "data" else sealed)
    return document


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise DockerConfigError("the Kubernetes secret is not base64") from error


def _absence(document: dict[str, object], entries: dict[str, object], address: str) -> str:
    """Why there is no credential."""
    helpers = {_host_of(name) for name in _member(document, "credHelpers")}
    if canonical_registry(address) in helpers or document.get("credsStore"):
        return (
            f"the file leaves the password of {address} to a credential helper of that machine, so it is not in it. "
            "Enter the password, or have the helper installed here"
        )
    known = sorted({_host_of(name) for name in entries})[:10]
    has = f"; it has {', '.join(name[:80] for name in known)}" if known else ""
    return f"the file has no entry for {address}{has}"


def _member(document: dict[str, object], name: str) -> dict[str, object]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _host_of(name: str) -> str:
    """The registry that an entry is for; "" for one that is for a path below it."""
    for scheme in ("https://", "http://"):
        name = name.removeprefix(scheme)
    host, _, path = name.partition("/")
    return canonical_registry(host) if path.strip("/") in ("", "v1", "v2") else ""
