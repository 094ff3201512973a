"""Requests to one registry: authorization, pages and redirects, so that the client can speak of manifests."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urljoin

from registries.oci.authorization import Authorizer, Credentials, Origin
from registries.oci.challenge import parse_challenges
from registries.oci.errors import LimitError, ReferenceFormatError, RegistryError
from registries.oci.exchange import Answer, Carry, Headers, Outgoing
from registries.oci.failures import failure, redirect_refused, shown
from registries.oci.paging import next_page
from registries.oci.rate_limit import nearly_spent

MAX_PAGES = 100
MAX_REDIRECTS = 3
MAX_SMALL = 64 * 1024
SLOWEST = 100_000  # bytes a second: what is carried by pieces may take so much longer
USER_AGENT = "Signboard/0.1"
NOTATION_COMPATIBLE = "(notation-compatible)"  # Harbor lets it past its pull rules: only where an operator chose so
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Blobs commonly lie in a storage service. Fronts that redirect the rest are followed only where an operator says so.
REDIRECTED = frozenset({"blob"})
REDIRECTED_BY_CHOICE = frozenset({"manifest", "manifest_head", "tags"})


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to ask of a registry."""

    kind: str
    "What it counts as: tags, manifest_head, manifest, referrers, blob, catalog, ping."
    path: str
    what: str
    "How an error names it."
    accept: str
    scope: str
    max_bytes: int
    method: str = "GET"
    if_none_match: str = ""
    authorization: str = ""
    "Sent unasked, in place of what a challenge asks for: to an API that knows no challenges."
    if_match: str = ""
    body: bytes | Outgoing | None = None
    content_type: str = ""
    into: Callable[[bytes], object] | None = None
    "What takes the content of an answer piece by piece."

    def with_content(self, body: bytes | Outgoing, content_type: str, if_match: str = "") -> "Call":
        """The same, carrying something."""
        return replace(self, body=body, content_type=content_type, if_match=if_match)


class Connection:
    """The way to one registry; credentials leave it only for the registry itself and its allowed token service."""

    def __init__(
        self,
        send: Carry,
        base_url: str,
        *,
        credentials: Credentials | None = None,
        realm_hosts: Sequence[str] = (),
        follow_redirects: bool = False,
        pushes: bool = False,
        notation_compatible: bool = False,
        renew: Callable[[], Credentials] | None = None,
        requests: Counter[str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        deadline: float = 10.0,
    ) -> None:
        """`pushes`: tokens may be asked for that allow writing; else never, whatever the registry proposes.

        `notation_compatible`: say so, and ask for tokens that allow it: an operator chose to step past Harbor's pull rules.
        `requests`: count there, with somebody else's; `renew`: what the credentials are by now, once they are refused.
        """
        if base_url.rstrip("/").count("/") != 2:
            raise ReferenceFormatError(f"{shown(base_url)} is not an address such as https://registry.example.com:5000")
        self.origin = Origin.of(base_url)
        self.credentials = credentials or Credentials()
        self.requests: Counter[str] = Counter() if requests is None else requests
        self.observed: dict[str, str] = {}
        self.nearly_spent = 0.0
        self._followed = REDIRECTED | (REDIRECTED_BY_CHOICE if follow_redirects else frozenset())
        self._send = send
        self._deadline = deadline
        self._pushes = pushes
        self._notation_compatible = notation_compatible
        self._user_agent = f"{USER_AGENT} {NOTATION_COMPATIBLE}" if notation_compatible else USER_AGENT
        self._authorizer = Authorizer(
            self.origin,
            self.credentials,
            realm_hosts,
            self._ask_for_token,
            monotonic,
            actions=("pull", "push") if pushes or notation_compatible else ("pull",),
            renew=renew,
        )

    @property
    def authorized(self) -> bool:
        """The registry asked for credentials and got ours."""
        return self._authorizer.used and bool(self.credentials)

    def ask(self, call: Call) -> Answer:
        """The answer, whatever its status, after one try to authenticate if the registry asks for it.

        A redirect is followed where its kind of request may be; what stands at its end gets no second try.
        """
        authorization = call.authorization or self._authorizer.header(call.scope)
        answer = self._once(call, authorization)
        if answer.status == 401 and not call.authorization:
            self.requests[call.kind] -= 1  # it was no answer to what we asked
            self.requests["challenge"] += 1
            authorization = self._authorizer.answer(answer, call.scope, refused=authorization, what=call.what)
            answer = self._once(call, authorization)
        if answer.status == 412 and self._notation_compatible and not authorization:
            answer = self._with_token_unasked(call) or answer
        return self._follow(answer, call) if answer.status in REDIRECTS and call.kind in self._followed else answer

    def _with_token_unasked(self, call: Call) -> Answer | None:
        """Harbor's exemption is for a session with a token; a public project asks for none, only the start page does."""
        asked = self._once(Call("ping", "/v2/", "the start page /v2/", "application/json", "", MAX_SMALL), "")
        if asked.status != 401:
            return None
        return self._once(call, self._authorizer.answer(asked, call.scope, refused="", what=call.what))

    def pages(
        self,
        call: Call,
        *,
        sizes: Sequence[int | None] = (None,),
        query: str = "",
        last: Callable[[Answer, int | None], str] | None = None,
    ) -> Iterator[tuple[Answer, bool]]:
        """Each page and whether another may follow. The first may be a failure; a later failure raises RegistryError.

        `last` tells the name after which to go on where a full page (of so many, if we said how many) carries no link.
        After pages with links, none is the end.
        """
        answer, path, size = self._first_page(call, sizes, query)
        seen, linked = {path}, False
        while True:
            following, refused = "", None
            try:
                following = next_page(answer.headers.get_all("link"), call.path) if answer.status == 200 else ""
            except RegistryError as error:
                refused = error
            if following:
                self.observed["paging"], linked = "link", True
            elif last and not linked and not refused and answer.status == 200 and (name := last(answer, size)):
                following = f"{call.path}?{urlencode({**({'n': size} if size else {}), 'last': name})}"
                following = "" if following in seen else following  # the same page again: it does not page
            yield answer, bool(following or refused)
            if refused:
                raise refused
            if not following:
                return
            if following in seen:
                raise RegistryError(f"the pages of {call.what} go round in circles", code="bad_answer")
            if len(seen) >= MAX_PAGES:
                raise LimitError(f"{call.what}: more than {MAX_PAGES} pages", code="too_many_pages")
            seen.add(following)
            answer = self.ask(replace(call, path=following))
            if answer.status != 200:
                raise self.failure(answer, call.what)

    def _follow(self, answer: Answer, call: Call) -> Answer:
        """Where a redirect ends: each hop is a request of ours, without credentials once it has left the registry."""
        url = self._url(call.path)
        at_home, secure = True, self.origin.scheme == "https"
        for _ in range(MAX_REDIRECTS):
            if answer.status not in REDIRECTS:
                return answer
            try:
                url = urljoin(url, answer.headers.get("location"))
                origin = Origin.of(url)
            except (ValueError, ReferenceFormatError) as error:
                raise redirect_refused(answer, call.what) from error
            if secure and origin.scheme == "http":
                raise redirect_refused(answer, call.what)
            secure = origin.scheme == "https"
            at_home = at_home and origin == self.origin
            headers = {"Accept": call.accept, "User-Agent": self._user_agent}
            if at_home and (authorization := self._authorizer.header(call.scope)):
                headers["Authorization"] = authorization
            answer = self._transmit("redirect", call.method, url, headers, None, call.max_bytes, call.into)
        if answer.status in REDIRECTS:
            raise redirect_refused(answer, call.what)
        return answer

    def log_in(self, path: str, fields: Mapping[str, str], what: str) -> Answer:
        """The answer to credentials as JSON, sent to this very origin."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = self._ask_for_token("POST", self._url(path), headers, json.dumps(fields).encode())
        if answer.status != 200:
            raise failure(answer, what, with_credentials=True)
        return answer

    def failure(self, answer: Answer, what: str) -> RegistryError:
        return failure(answer, what, with_credentials=bool(self.credentials), pushes=self._pushes)

    def leads_elsewhere(self, answer: Answer, call: Call) -> bool:
        """Whether an answer redirects to another host."""
        if answer.status not in REDIRECTS or not answer.headers.get("location"):
            return False
        try:
            return Origin.of(urljoin(self._url(call.path), answer.headers.get("location"))).host != self.origin.host
        except (ValueError, ReferenceFormatError):
            return False

    def _first_page(self, call: Call, sizes: Sequence[int | None], query: str) -> tuple[Answer, str, int | None]:
        """Some registries refuse a page size that others need: try the next one on status 400."""
        answer, path, size = Answer(400, Headers()), call.path, None
        for size in sizes:
            path = f"{call.path}?n={size}" if size else call.path + query
            answer = self.ask(replace(call, path=path))
            if answer.status != 400:
                break
        if size and answer.status == 200:
            self.observed["page_size"] = str(size)
        return answer, path, size

    def _once(self, call: Call, authorization: str) -> Answer:
        headers = {"Accept": call.accept, "User-Agent": self._user_agent}
        named = {
            "If-None-Match": call.if_none_match,
            "If-Match": call.if_match,
            "Content-Type": call.content_type,
            "Authorization": authorization,
        }
        headers |= {name: value for name, value in named.items() if value}
        url = self._url(call.path)
        return self._transmit(call.kind, call.method, url, headers, call.body, call.max_bytes, call.into)

    def _ask_for_token(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        return self._transmit("token", method, url, {**headers, "User-Agent": self._user_agent}, body, MAX_SMALL)

    def _transmit(
        self,
        kind: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Outgoing | None,
        max_bytes: int,
        into: Callable[[bytes], object] | None = None,
    ) -> Answer:
        self.requests[kind] += 1
        carried = (body.size if isinstance(body, Outgoing) else 0) + (max_bytes if into else 0)
        deadline = self._deadline + carried / SLOWEST
        answer = self._send(method, url, headers=headers, body=body, max_bytes=max_bytes, deadline=deadline, into=into)
        self._observe(kind, answer)
        if len(answer.body) > max_bytes:
            raise RegistryError(f"the answer has more than {max_bytes} bytes", code="too_large")
        return answer

    def _observe(self, kind: str, answer: Answer) -> None:
        """Traits that any answer may show; foreign text is cut short and made harmless."""
        if kind in ("token", "redirect"):
            return
        if answer.status == 401:
            schemes = {found.scheme for found in parse_challenges(answer.headers.get_all("www-authenticate"))}
            self.observed["auth"] = "+".join(sorted(schemes & {"basic", "bearer"})) or "unknown"
        for header, name in (("warning", "warning"), ("ratelimit-remaining", "rate_limit")):
            if text := shown(answer.headers.get(header)):
                self.observed[name] = text
        self.nearly_spent = nearly_spent(answer.headers) or self.nearly_spent

    def _url(self, path: str) -> str:
        return f"{self.origin.scheme}://{self.origin.authority}{path}"
