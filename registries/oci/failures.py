"""What an unwelcome answer of a registry means, in words that say what to do."""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from registries.oci.challenge import parse_challenges
from registries.oci.errors import RegistryError
from registries.oci.exchange import Answer

LONGEST_WAIT = 3600.0
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def failure(answer: Answer, what: str, *, with_credentials: bool = False, pushes: bool = False) -> RegistryError:
    """The error for an answer that is not the success that was asked for; `what` is what we wanted ("the tags of a/b")."""
    status = answer.status
    said = said_by(answer)
    if pushes and (refusal := _push_refusal(answer, what, with_credentials)):
        return RegistryError(refusal[1] + said, code=refusal[0])
    if status == 401 and _lacks_scope(answer):
        who = "these credentials do not include" if with_credentials else "without credentials there is not"
        return RegistryError(f"{who} the right to pull {what}.{said}", code="denied")
    if status == 401:
        return RegistryError(f"{_refused(with_credentials)} ({what}).{said}", code="unauthorized")
    if status == 403:
        text = f"the registry does not permit reading {what} with these credentials. Give them the right to pull."
        return RegistryError(text + said, code="denied")
    if status == 412:
        return _precondition(answer, what, said, pushes=pushes)
    if status in (404, 410):
        text = f"the registry has no {what.removeprefix('the ')}, or does not show it with these credentials."
        return RegistryError(text + said, code="not_found", has_words=bool(error_codes(answer)))
    if status == 429:
        wait = retry_after(answer)
        hint = f" It asks to wait {wait:.0f} seconds." if wait is not None else ""
        text = f"the registry's request limit is reached (429) at {what}; it will be asked again later."
        return RegistryError(text + hint + said, code="rate_limited", retry_after=wait)
    if 300 <= status < 400:
        return redirect_refused(answer, what)
    if status >= 500 or status in (408, 499):
        text = f"the registry failed with status {status} at {what}; it will be asked again later."
        return RegistryError(text + said, code="server_error", retry_after=retry_after(answer))
    return RegistryError(f"the registry answered status {status} where {what} was expected.{said}", code="bad_answer")


def _precondition(answer: Answer, what: str, said: str, *, pushes: bool) -> RegistryError:
    """412: a rule against pulling, or one against moving a tag; an answer to HEAD has no words to tell them apart."""
    codes = error_codes(answer)
    if "PRECONDITION" in codes or is_immutable(answer):
        return RegistryError(f"the registry does not let an existing tag be replaced ({what}).{said}", code="immutable")
    if pushes and "PROJECTPOLICYVIOLATION" not in codes:
        return RegistryError(f"the registry has another state than it was given (412) at {what}.{said}")
    text = (
        f"blocked by registry policy: its content trust or vulnerability rule keeps {what} from being pulled, by anybody. "
        "Relax the rule for this project, or have it met (a signature that it accepts, a scan without such findings)."
    )
    return RegistryError(text + said, code="blocked_by_policy")


def _push_refusal(answer: Answer, what: str, with_credentials: bool) -> tuple[str, str] | None:
    """Code and text where a registry does not let us write for a reason that somebody can mend."""
    status, codes = answer.status, error_codes(answer)
    if is_immutable(answer):
        return "immutable", f"the registry does not let an existing tag be replaced ({what})."
    if status == 401 and not with_credentials:
        return "unauthorized", f"the registry asks for credentials ({what}); give this connection some for pushing."
    if status in (401, 403):
        return (
            "denied",
            f"the registry refuses {what} with this connection's credentials for pushing. Check them and their right to push.",
        )
    if status == 404 and "NAME_UNKNOWN" in codes:
        return (
            "not_found",
            f"the registry has no such repository and makes none by itself ({what}): create it there first.",
        )
    if status == 405:
        return "denied", f"the registry takes nothing: it is read-only, or a mirror ({what})."
    if status == 413:
        return "too_large", f"it is larger than the registry takes ({what})."
    return None


def is_immutable(answer: Answer) -> bool:
    """Whether a tag may not be replaced, in the words of the registries that have such rules (ECR, Harbor, ACR, GAR, Quay)."""
    if answer.status not in (400, 403, 409, 412):
        return False
    errors = _errors(answer)
    said = " ".join(message for _, message in errors).lower()
    known = any(code in ("TAG_INVALID", "ImageTagAlreadyExistsException") for code, _ in errors)
    return answer.status == 409 or known or "immutab" in said or "cannot be overwritten" in said


def _refused(with_credentials: bool) -> str:
    if with_credentials:
        return "the registry refused the user name and password (or token) of this connection; check them"
    return "the registry asks for credentials; add a user name and password (or token) to this connection"


def _lacks_scope(answer: Answer) -> bool:
    challenges = parse_challenges(answer.headers.get_all("www-authenticate"))
    return any(challenge.parameters.get("error") == "insufficient_scope" for challenge in challenges)


def redirect_refused(answer: Answer, what: str) -> RegistryError:
    target = shown(answer.headers.get("location").partition("?")[0])
    return RegistryError(
        f"the registry redirects {what} to {target or 'another place'}, which is not followed. "
        "If the registry moved, connect its new address; if it is a front, let this connection follow redirects.",
        code="redirect",
    )


def not_a_registry(answer: Answer, what: str) -> RegistryError:
    kind = shown(answer.content_type) or "no content type"
    page = "a web page" if "html" in kind else "something else"
    return RegistryError(
        f"instead of {what} came {page} ({kind}): this address is not an OCI registry, or a login page or proxy "
        "stands before it. Check host and port.",
        code="not_a_registry",
    )


def error_codes(answer: Answer) -> tuple[str, ...]:
    """The codes of a registry's error document, where it is one."""
    return tuple(code for code, _ in _errors(answer))


def said_by(answer: Answer) -> str:
    """The registry's own words, made harmless; empty if there are none."""
    for code, message in _errors(answer):
        words = shown(": ".join(part for part in (code, message) if part))
        if words:
            return f" The registry says: {words}" + ("" if words.endswith((".", "!", "?", "…")) else ".")
    return ""


def _errors(answer: Answer) -> list[tuple[str, str]]:
    if len(answer.body) > 65536 or not answer.body.lstrip().startswith(b"{") or answer.body.count(b"[") > 1000:
        return []
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return []
    errors = document.get("errors") if isinstance(document, dict) else None
    return [
        (str(error.get("code") or ""), str(error.get("message") or ""))
        for error in (errors if isinstance(errors, list) else [])[:10]
        if isinstance(error, dict)
    ]


def shown(text: str) -> str:
    """Foreign text for a message: one line, short, without characters that act."""
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= 200 else text[:200] + "…"


def retry_after(answer: Answer) -> float | None:
    """The wait that the registry asks for, in seconds; a date counts from the answer's own Date."""
    value = answer.headers.get("retry-after")
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_WAIT)
    until, date = _date(value), _date(answer.headers.get("date"))
    if until is None or date is None:
        return None
    return min(max((until - date).total_seconds(), 0.0), LONGEST_WAIT)


def _date(text: str) -> datetime | None:
    try:
        value = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
