"""Which URIs may stand among a certificate's alternative names: those that Go's parser takes."""

import re
import string
from ipaddress import IPv6Address

from trust.notary.der import DerError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
_HOST = frozenset(string.ascii_letters + string.digits + "!\"$&'()*+,-.:;<=>[]_~%")
_USER = frozenset(string.ascii_letters + string.digits + "-._:~!$&'()*+,;=%@")


def check_uri(uri: str) -> None:
    """Raise DerError unless `uri`, which is ASCII, is one."""
    before, _, fragment = uri.partition("#")
    match = _SCHEME.match(before)
    scheme = match.group() if match else ""
    rest = before.removeprefix(scheme).partition("?")[0]
    _require(all(" " <= c != "\x7f" for c in before) and not _BAD_ESCAPE.search(fragment))
    if not rest.startswith("/"):
        _require(bool(scheme) or ":" not in rest.partition("/")[0])
        path = "" if scheme else rest
    elif rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
        _check_authority(authority)
    else:
        path = rest
    _require(not _BAD_ESCAPE.search(path))


def is_domain(text: str, *, constraint: bool) -> bool:
    """Whether Go takes `text` for a domain name; a constraint may begin with a dot."""
    labels = (text.removeprefix(".") if constraint else text).split(".")
    return not text or (all(labels) and all("!" <= c <= "~" for c in text))


def _check_authority(authority: str) -> None:
    user, _, host = authority.rpartition("@")
    _require(_USER.issuperset(user) and not _BAD_ESCAPE.search(user))
    _require(_HOST.issuperset(host) and host.count("%") == host.count("%25"))
    if "[" in host:
        address, bracket, port = host.removeprefix("[").rpartition("]")
        _require(host.startswith("[") and bool(bracket) and "[" not in address)
        _check_address(address.replace("%25", "%"))
    else:
        port = host[host.rindex(":") :] if ":" in host else ""
    _require(not port or (port[0] == ":" and all(c in string.digits for c in port[1:])))
    _require(is_domain(host.replace("%25", "%"), constraint=False))


def _check_address(text: str) -> None:
    try:
        IPv6Address(text)
    except ValueError as error:
        raise DerError("an alternative name is a URI whose host is no address") from error


def _require(holds: bool) -> None:
    if not holds:
        raise DerError("an alternative name is no URI")
