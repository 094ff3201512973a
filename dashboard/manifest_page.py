"""The Manifest tab: exact bytes told apart from how they are shown."""

import json
from dataclasses import dataclass

from dashboard.artifact_pages import Place
from registries.models import Manifest
from registries.oci import strict_json
from registries.oci.strict_json import StrictJsonError

LONGEST_SHOWN = 256 * 1024


@dataclass(frozen=True, slots=True)
class ManifestPage:
    """What is known of the bytes of a manifest."""

    size: int
    kept: bool
    matches: bool  # the bytes have the digest that the page is named after
    pretty: str
    fault: str
    indented: bool  # shown with other whitespace than it has


def manifest_page(place: Place, manifest: Manifest, content: bytes | None) -> ManifestPage:
    if content is None:
        return ManifestPage(manifest.size, False, False, "", "Its bytes are not kept here.", False)
    matches = place.digest.matches(content)
    if len(content) > LONGEST_SHOWN:
        fault = f"It has {len(content):,} bytes; download it to read it."
        return ManifestPage(len(content), True, matches, "", fault, False)
    try:
        pretty = json.dumps(strict_json.loads(content), indent=2, ensure_ascii=False)
    except StrictJsonError as error:
        text = content.decode("utf-8", errors="backslashreplace")
        return ManifestPage(len(content), True, matches, text, f"It is not strict JSON: {error}.", False)
    return ManifestPage(len(content), True, matches, pretty, "", pretty.encode() != content)
