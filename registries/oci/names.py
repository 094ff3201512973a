"""Lists of names in pages, of tags or of repositories, as far as a registry gives them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from registries.oci import strict_json
from registries.oci.connection import Call, Connection
from registries.oci.errors import OciError, RegistryError
from registries.oci.exchange import Answer
from registries.oci.failures import not_a_registry

PAGE_SIZES = (1000, 100, None)
OWN_SIZES = frozenset({50, 100, 1000})  # where registries end a page by themselves, whatever was asked


@dataclass(frozen=True, slots=True)
class Names:
    """The texts of a list, in the order given, each once."""

    texts: tuple[str, ...]
    complete: bool
    odd: int = 0
    "Entries that are no texts."
    error: OciError | None = None


Heed = Callable[[Mapping[str, object]], None]
"Reads what a page says beside the names."


def names_of(
    connection: Connection, call: Call, member: str, limit: int | None = None, heed: Heed | None = None
) -> Names:
    """The texts of a paged list; started anew once, as a page may hang on an entry that vanished meanwhile."""
    names = _names_once(connection, call, member, limit, heed)
    vanished = names.error is not None and names.error.code in ("not_found", "bad_answer")
    return _names_once(connection, call, member, limit, heed) if names.texts and vanished else names


def _names_once(connection: Connection, call: Call, member: str, limit: int | None, heed: Heed | None) -> Names:
    names: dict[str, None] = {}
    read: list[list[object]] = []  # the page that was read already, to see whether another may follow
    odd = repeated = 0

    def last(page: Answer, size: int | None) -> str:
        try:
            read.append(_entries(page, member, call.what, heed))
        except RegistryError:
            return ""  # the page is refused below
        return _last(read[0], size)

    sizes = PAGE_SIZES if limit is None or limit > 100 else (limit, None)
    try:
        for answer, more in connection.pages(call, sizes=sizes, last=last):
            if answer.status != 200:
                raise connection.failure(answer, call.what)
            entries, before = read.pop() if read else _entries(answer, member, call.what, heed), len(names)
            texts = [entry for entry in entries if isinstance(entry, str)]
            odd += len(entries) - len(texts)
            names.update(dict.fromkeys(texts))
            if limit is not None and more and len(names) >= limit:
                return Names(tuple(names), complete=False, odd=odd)
            if len(names) == before and not answer.headers.get("link"):
                break  # asked for what follows the last name, a registry that does not page gives the same again
            repeated = repeated + 1 if len(names) == before else 0
            check_growth(repeated, call.what)
    except OciError as error:
        return Names(tuple(names), complete=False, odd=odd, error=error)
    return Names(tuple(names), complete=True, odd=odd)


def check_growth(repeated: int, what: str) -> None:
    """Raise for pages that keep coming and say nothing."""
    if repeated >= 3:
        raise RegistryError(f"the pages of {what} bring nothing new and do not end", code="bad_answer")


def _entries(answer: Answer, member: str, what: str, heed: Heed | None) -> list[object]:
    """The list under `member` of a JSON page; null is how some registries write an empty one."""
    try:
        document = strict_json.loads(answer.body)
    except strict_json.StrictJsonError as error:
        if not is_json(answer):
            raise not_a_registry(answer, what) from error
        raise RegistryError(f"{what}: the answer is not JSON that we accept: {error}", code="bad_answer") from error
    fields = document if isinstance(document, dict) else {}
    entries = fields.get(member, 0 if "errors" in fields or "name" not in fields else None)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise RegistryError(f"{what}: the answer is no list of {member}", code="bad_answer")
    if heed:
        heed(fields)
    return entries


def _last(entries: list[object], size: int | None) -> str:
    """The last name of a page that looks full: a registry without links may have more."""
    last = entries[-1] if entries and len(entries) in OWN_SIZES | {size} else ""
    return last if isinstance(last, str) and last.isascii() and last.isprintable() and len(last) <= 255 else ""


def is_json(answer: Answer) -> bool:
    return answer.content_type == "application/json" or answer.content_type.endswith("+json")
