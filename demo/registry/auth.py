"""Who may do what: HTTP basic, or bearer tokens from the token endpoint of the same application."""

import base64
import binascii
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from demo.registry.errors import Refusal

UNAUTHORIZED = "401 Unauthorized"


@dataclass(frozen=True, slots=True)
class Access:
    """What a request needs: a resource in the words of the token specification, and one action on it."""

    resource: (
        str  # "repository:team/app" or "registry:catalog"; "" for the ping, which any authenticated caller may send
    )
    action: str  # "pull", "push", "delete" or "*"

    @property
    def scope(self) -> str:
        return f"{self.resource}:{self.action}" if self.resource else ""


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP basic authentication; `readers` may only pull."""

    users: Mapping[str, str]
    readers: frozenset[str] = frozenset()
    realm: str = "demo registry"

    def authorize(self, authorization: str, access: Access, _base_url: str) -> None:
        """Return if the request may go on; raise Refusal otherwise."""
        user = _basic_user(authorization, self.users)
        if user is None:
            challenge = ("WWW-Authenticate", f'Basic realm="{self.realm}"')
            raise Refusal(UNAUTHORIZED, "UNAUTHORIZED", "authentication required", [challenge])
        if user in self.readers and access.action not in {"pull", "*"}:
            raise Refusal("403 Forbidden", "DENIED", f"{user} may only pull")


@dataclass(frozen=True, slots=True)
class _Grant:
    scopes: frozenset[tuple[str, str]]
    expires: float


@dataclass(slots=True)
class Bearer:
    """Token authentication: opaque random tokens, kept in memory, for the scopes asked and granted.

    `realm` overrides where clients are sent (a hostile registry may send them anywhere). `form_only`: tokens are given for
    the OAuth2 form alone.
    """

    users: Mapping[str, str]
    readers: frozenset[str] = frozenset()
    anonymous_pull: bool = False
    form_only: bool = False
    service: str = "demo-registry"
    realm: str = ""
    lifetime: int = 300
    now: Callable[[], float] = time.monotonic
    _tokens: dict[str, _Grant] = field(default_factory=dict, repr=False)
    _refresh: dict[str, str] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def authorize(self, authorization: str, access: Access, base_url: str) -> None:
        scheme, _, token = authorization.partition(" ")
        error = ""
        if scheme.lower() == "bearer":
            grant = self._tokens.get(token.strip())
            if grant is None or grant.expires <= self.now():
                error = "invalid_token"
            elif not access.resource or (access.resource, access.action) in grant.scopes:
                return
            else:
                error = "insufficient_scope"
        challenge = f'Bearer realm="{self.realm or base_url + "/token"}",service="{self.service}"'
        challenge += f',scope="{access.scope}"' if access.scope else ""
        challenge += f',error="{error}"' if error else ""
        raise Refusal(UNAUTHORIZED, "UNAUTHORIZED", "a token is required", [("WWW-Authenticate", challenge)])

    def token_for_query(self, authorization: str, query: Mapping[str, list[str]]) -> bytes:
        """The answer to `GET /token?service=…&scope=…`."""
        if self.form_only:
            raise Refusal("405 Method Not Allowed", "UNSUPPORTED", "tokens are asked for by POST", [("Allow", "POST")])
        user = _basic_user(authorization, self.users)
        if user is None and (authorization or not self.anonymous_pull):
            challenge = ("WWW-Authenticate", f'Basic realm="{self.service}"')
            raise Refusal(UNAUTHORIZED, "UNAUTHORIZED", "wrong user name or password", [challenge])
        return self._issue(user, query.get("scope", []), offline=query.get("offline_token") == ["true"])

    def token_for_form(self, form: Mapping[str, list[str]]) -> bytes:
        """The answer to the OAuth2 form of the token endpoint: grants `password` and `refresh_token`."""
        values = {name: entries[0] for name, entries in form.items()}
        grant = values.get("grant_type", "")
        if grant == "password":
            user = _known(self.users, values.get("username", ""), values.get("password", ""))
        elif grant == "refresh_token":
            user = self._refresh.get(values.get("refresh_token", ""))
        else:
            raise Refusal("400 Bad Request", "UNSUPPORTED", f"grant type {grant!r} is not supported")
        if user is None:
            raise Refusal(UNAUTHORIZED, "UNAUTHORIZED", "the credentials are not known")
        return self._issue(user, values.get("scope", "").split(), offline=values.get("access_type") == "offline")

    def _issue(self, user: str | None, scopes: list[str], *, offline: bool) -> bytes:
        token = secrets.token_urlsafe(24)
        fields: dict[str, object] = {"token": token, "access_token": token, "expires_in": self.lifetime}
        with self._lock:
            now = self.now()
            for old in [old for old, grant in self._tokens.items() if grant.expires <= now]:
                del self._tokens[old]
            self._tokens[token] = _Grant(frozenset(self._granted(user, scopes)), now + self.lifetime)
            if offline and user is not None:
                refresh = secrets.token_urlsafe(24)
                self._refresh[refresh] = user
                fields["refresh_token"] = refresh
        return json.dumps(fields).encode()

    def _granted(self, user: str | None, scopes: list[str]) -> list[tuple[str, str]]:
        granted = []
        for scope in " ".join(scopes).split():
            resource, _, actions = scope.rpartition(":")
            for action in actions.split(","):
                catalog = resource.startswith("registry:")
                if (user is None and (action != "pull" or catalog)) or (
                    user in self.readers and action != "pull" and not catalog
                ):
                    continue  # fewer scopes than asked is no error
                granted.append((resource, action))
        return granted


def _basic_user(authorization: str, users: Mapping[str, str]) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return _known(users, name, password)


def _known(users: Mapping[str, str], name: str, password: str) -> str | None:
    expected = users.get(name)
    return name if expected is not None and hmac.compare_digest(expected.encode(), password.encode()) else None
