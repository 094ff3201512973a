"""Lists that come in pages: `Link` headers and lists of descriptors, as foreign as everything else."""

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from registries.oci import media_types, strict_json
from registries.oci.descriptor import Descriptor
from registries.oci.errors import ManifestError, RegistryError

_TARGET = re.compile(r"[\x21-\x7e]{0,8192}", re.ASCII)
_LINK = re.compile(r'<([^<>]*)>((?:[^",<]|"[^"]*")*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))', re.IGNORECASE)


def next_page(values: Iterable[str], path: str) -> str:
    """Path and query of the link that is called next, empty if there is none.

    Only path and query count, and the path must be the one that was asked: no link leads anywhere else.
    """
    for value in values:
        for target, parameters in _LINK.findall(value[:16384]):
            rel = _REL.search(parameters)
            if rel and "next" in (rel[1] or rel[2] or "").lower().split():
                return _within(target, path)
    return ""


def _within(target: str, path: str) -> str:
    refused = RegistryError("the registry's link to the next page leads somewhere else; it is not followed")
    if not _TARGET.fullmatch(target) or "\\" in target:
        raise refused
    try:
        parts = urlsplit(urljoin(path, target))
    except ValueError as error:
        raise refused from error
    if parts.path != path or not parts.query:
        raise refused
    return f"{path}?{parts.query}"


def read_artifacts(content: bytes) -> tuple[list[Descriptor], int]:
    """The same for the older ORAS artifact specification, whose list is `{"referrers": [...]}`."""
    document = _document(content)
    if not isinstance(document, dict) or "referrers" not in document:
        raise ManifestError("the list of referrers has no referrers")
    return _entries(document["referrers"])


def read_descriptors(content: bytes) -> tuple[list[Descriptor], int]:
    """The entries of a referrers list, and how many could not be read; raises ManifestError if it is no index at all."""
    document = _document(content)
    if not isinstance(document, dict) or document.get("mediaType") not in (None, media_types.OCI_INDEX):
        raise ManifestError("the list of referrers is not an image index")
    if "manifests" not in document:  # an error document with status 200 is no empty list
        raise ManifestError("the list of referrers has no manifests: it is not an image index")
    if "layers" in document or "config" in document:
        raise ManifestError("the list of referrers is not an image index")
    return _entries(document["manifests"])


def _document(content: bytes) -> object:
    try:
        return strict_json.loads(content)
    except strict_json.StrictJsonError as error:
        raise ManifestError(f"the list of referrers is not JSON that we accept: {error}", code="not_json") from error


def _entries(value: object) -> tuple[list[Descriptor], int]:
    """Descriptors, and how many entries are none; null is how some registries write an empty list."""
    entries = [] if value is None else value
    if not isinstance(entries, list):
        raise ManifestError("the list of referrers is not an image index")
    found: list[Descriptor] = []
    for entry in entries:
        try:
            found.append(Descriptor.from_listing(entry))
        except ManifestError:  # one odd entry does not hide the others; it is counted
            continue
    return found, len(entries) - len(found)
