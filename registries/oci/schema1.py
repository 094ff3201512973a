"""Docker's first manifest form (schema 1) with signatures inside: its digest is that of the bytes without them."""

import base64

from registries.oci import strict_json


def without_signatures(content: bytes) -> bytes:
    """What was signed, put together as the first signature says; the bytes as they are if it does not."""
    try:
        document = strict_json.loads(content)
        signatures = document.get("signatures") if isinstance(document, dict) else None
        first = signatures[0] if isinstance(signatures, list) and signatures else None
        form = strict_json.loads(_decoded(first.get("protected"))) if isinstance(first, dict) else None
        if not isinstance(form, dict) or type(length := form.get("formatLength")) is not int:
            return content
        return content[:length] + _decoded(form.get("formatTail")) if 0 <= length <= len(content) else content
    except (strict_json.StrictJsonError, ValueError):
        return content


def _decoded(text: object) -> bytes:
    """The bytes of base64url; raises ValueError."""
    padded = f"{text}=="[: (len(str(text)) + 3) // 4 * 4]
    return base64.b64decode(padded, altchars=b"-_", validate=True)
