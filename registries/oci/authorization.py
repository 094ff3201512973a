"""Basic and bearer authorization towards one registry; where a credential may go is decided here.

The realm of a challenge is chosen by whoever answers for the registry, so it is input like any other.
"""

import base64
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, urlencode, urlsplit

from registries.oci import strict_json
from registries.oci.challenge import Challenge, parse_challenges
from registries.oci.errors import ReferenceFormatError, RegistryError
from registries.oci.exchange import Answer
from registries.oci.failures import failure, not_a_registry, shown

LONGEST_TOKEN_LIFE = 900.0
UNSTATED_TOKEN_LIFE = 60.0
MAX_SCOPES = 10
METADATA = "metadata_read"  # Azure's, for its own lists: less than pulling
KNOWN_REALMS = {
    "docker.io": ("auth.docker.io",),
    "index.docker.io": ("auth.docker.io",),
    "registry-1.docker.io": ("auth.docker.io",),
    "registry.gitlab.com": ("gitlab.com",),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a registry knows us by. Their text never appears in a repr, a log or an error."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The header value for Basic, empty without a user name and password."""
        if not (self.username or self.password):
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def __bool__(self) -> bool:
        return bool(self.username or self.password or self.identity_token)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a credential belongs to."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """The origin of a plain http(s) URL."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ReferenceFormatError(f"{shown(url)} is not a URL") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or "\\" in url:
            raise ReferenceFormatError(f"{shown(url)} is not a URL such as https://registry.example.com:5000")
        return cls(parts.scheme, parts.hostname.lower(), port or (443 if parts.scheme == "https" else 80))

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class AskForToken(Protocol):
    """One request to a realm that was found allowed; counts it and knows nothing of authorization."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer: ...


@dataclass(frozen=True, slots=True)
class _Token:
    header: str = field(repr=False)
    until: float


class Authorizer:
    """What to put into the Authorization header of requests to one registry; tokens live here and nowhere else."""

    def __init__(
        self,
        origin: Origin,
        credentials: Credentials,
        realm_hosts: Sequence[str],
        ask: AskForToken,
        monotonic: Callable[[], float],
        actions: Sequence[str] = ("pull",),
        renew: Callable[[], Credentials] | None = None,
    ) -> None:
        """`actions`: what of a repository a token may be asked for, at most. `renew`: the credentials as they are by now."""
        self._origin = origin
        self._credentials = credentials
        self._realm_hosts = frozenset(host.lower() for host in (*realm_hosts, *KNOWN_REALMS.get(origin.host, ())))
        self._ask = ask
        self._monotonic = monotonic
        self._actions = actions
        self._renew = renew
        self._basic = False
        self._tokens: dict[str, _Token] = {}
        self._scopes: dict[str, list[str]] = {}  # what was asked for so far, by the scope that a request needs
        self._identity_token = credentials.identity_token
        self._lock = threading.Lock()

    @property
    def used(self) -> bool:
        """The registry asked for authorization and we had some to give."""
        return self._basic or bool(self._tokens)

    def header(self, scope: str) -> str:
        """The value to send with the first try, empty before the registry has asked for any."""
        token = self._tokens.get(scope)
        if token and self._monotonic() < token.until:
            return token.header
        return self._credentials.basic if self._basic else ""

    def answer(self, challenged: Answer, scope: str, *, refused: str, what: str) -> str:
        """The value to send after a 401 that `refused` a header; raises RegistryError if there is none that could help."""
        challenges = parse_challenges(challenged.headers.get_all("www-authenticate"))
        for challenge in challenges:
            if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
                with self._lock:
                    current = self.header(scope)
                    if current.startswith("Bearer ") and current != refused:  # another thread was faster
                        return current
                    token = self._tokens[scope] = self._fetch(challenge, scope)
                return token.header
        if any(challenge.scheme == "basic" for challenge in challenges) and self._credentials.basic:
            self._basic = True
            if refused == self._credentials.basic and self._renew:
                self._credentials = self._renew()
            if refused != self._credentials.basic:
                return self._credentials.basic
        raise self._failure(challenged, what)

    def _failure(self, answer: Answer, what: str) -> RegistryError:
        return failure(answer, what, with_credentials=bool(self._credentials), pushes="push" in self._actions)

    def _fetch(self, challenge: Challenge, scope: str) -> _Token:
        realm = self._allowed_realm(challenge.parameters["realm"])
        service = challenge.parameters.get("service", "")
        named = allowed_scopes(challenge.parameters.get("scope", ""), self._actions)
        own = allowed_scopes(scope, (*self._actions, METADATA))
        if not named or "push" in self._actions:  # a challenge to a reading request proposes less than we mean to use
            named = [*own, *named]
        # A refused token was too narrow: ask for what it had and for what is wanted now.
        scopes = self._scopes[scope] = list(dict.fromkeys([*named, *self._scopes.get(scope, ())]))[:MAX_SCOPES]
        asked_at = self._monotonic()
        answer = self._ask_for_token(realm, service, scopes)
        what = f"a token from {realm.netloc}"
        if answer.status in (400, 401, 403):  # GitLab and others say 403, some 400, for a wrong password
            raise self._failure(Answer(401, answer.headers, answer.body), what)
        if answer.status != 200:
            raise failure(answer, what)
        try:
            document = strict_json.loads(answer.body)
        except strict_json.StrictJsonError as error:
            raise not_a_registry(answer, what) from error
        token = _read_token(document, asked_at, what)
        self._identity_token = self._identity_token and _renewed(document, self._identity_token)
        return token

    def _ask_for_token(self, realm: SplitResult, service: str, scopes: list[str]) -> Answer:
        if self._identity_token:
            grant = {"grant_type": "refresh_token", "refresh_token": self._identity_token}
            return self._post_for_token(realm, service, scopes, grant)
        named = [("service", service)] if service else []
        query = "&".join(filter(None, (realm.query, urlencode(named + [("scope", scope) for scope in scopes]))))
        headers = {"Accept": "application/json"}
        if self._credentials.basic:
            headers["Authorization"] = self._credentials.basic
        answer = self._ask("GET", realm._replace(query=query, fragment="").geturl(), headers, None)
        if answer.status in (404, 405) and self._credentials.basic:  # a service that knows OAuth2 alone
            grant = {
                "grant_type": "password",
                "username": self._credentials.username,
                "password": self._credentials.password,
            }
            return self._post_for_token(realm, service, scopes, grant)
        return answer

    def _post_for_token(self, realm: SplitResult, service: str, scopes: list[str], grant: Mapping[str, str]) -> Answer:
        """The OAuth2 form: secrets travel in the body, never in a URL."""
        form = {"service": service, "client_id": "signboard", "scope": " ".join(scopes), **grant}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        return self._ask("POST", realm._replace(fragment="").geturl(), headers, body)

    def _allowed_realm(self, text: str) -> SplitResult:
        """The realm, if a credential may go there: our own origin, or a host that the operator named, over https."""
        try:
            origin = Origin.of(text)
        except ReferenceFormatError as error:
            raise RegistryError(f"the registry names a token service that is not a URL: {error}") from error
        named = origin.host in self._realm_hosts or origin.authority in self._realm_hosts
        secure = origin.scheme == "https" or (self._origin.scheme == "http" and origin.host == self._origin.host)
        if origin != self._origin and not (named and secure):
            remedy = f"If that is right, add {origin.authority} to this connection's token services."
            if not secure:
                remedy = "Tokens are fetched over https only."
            raise RegistryError(
                f"the registry asks to send the credentials to {shown(text.partition('?')[0])}. They were not sent: "
                f"it is another place than the registry itself. {remedy}",
                code="forbidden_address",
            )
        return urlsplit(text)


def allowed_scopes(text: str, actions: Sequence[str]) -> list[str]:
    """The scopes of a challenge, cut down to these actions; the name in one may hold colons."""
    scopes = []
    for scope in text.split()[:MAX_SCOPES]:
        kind, _, rest = scope.partition(":")
        name, _, asked = rest.rpartition(":")
        if kind == "registry" and name == "catalog":
            scopes.append(scope)
        elif name and (granted := [action for action in actions if action in asked.split(",")]):
            scopes.append(f"{kind}:{name}:{','.join(granted)}")
    return scopes


def _renewed(document: object, identity_token: str) -> str:
    """The identity token to use next: services may give a new one with each token."""
    given = document.get("refresh_token") if isinstance(document, dict) else None
    return given if isinstance(given, str) and given.isascii() and given.isprintable() and given else identity_token


def _read_token(document: object, asked_at: float, what: str) -> _Token:
    fields = document if isinstance(document, dict) else {}
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise RegistryError(f"the answer to the request for {what} holds no token", code="bad_answer")
    life = fields.get("expires_in")
    if not isinstance(life, int | float) or not math.isfinite(life) or life <= 0:
        life = UNSTATED_TOKEN_LIFE
    return _Token(f"Bearer {token}", asked_at + 0.8 * min(float(life), LONGEST_TOKEN_LIFE))
