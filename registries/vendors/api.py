"""JSON of a product's own API: through the same door as everything else, counted, limited, and never believed."""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlencode

from registries.oci import strict_json
from registries.oci.connection import Call, Connection
from registries.oci.errors import LimitError, RegistryError
from registries.oci.exchange import Answer
from registries.oci.failures import not_a_registry
from registries.oci.names import is_json

KIND = "vendor"  # what its requests count as
MAX_PAGE = 8 * 1024 * 1024
MAX_PAGES = 100
MAX_DEPTH = 32
MAX_CONTAINERS = 200_000

Entry = Mapping[str, object]
Read = Callable[[object], tuple[object, bool]]
"The entries of a page, and whether there is another."


class Api:
    """One origin's API. `authorization` is what is sent unasked; without it, challenges are answered as everywhere."""

    def __init__(self, connection: Connection, authorization: Callable[[], str] = lambda: "") -> None:
        self._connection = connection
        self._authorization = authorization

    def get(self, path: str, what: str, *, scope: str = "", query: Mapping[str, object] | None = None) -> object:
        """The value of a JSON answer; raises RegistryError for anything else."""
        target = f"{path}?{urlencode(query)}" if query else path
        call = Call(KIND, target, what, "application/json", scope, MAX_PAGE, authorization=self._authorization())
        answer = self._connection.ask(call)
        if answer.status != 200:
            raise self._connection.failure(answer, what)
        return read_json(answer, what)

    def numbered(
        self, path: str, what: str, query: Mapping[str, object], read: Read, *, most: int = MAX_PAGES
    ) -> Iterator[list[Entry]]:
        """The pages of a list that are asked for by number, each as the objects in it; raises LimitError after `most`."""
        for page in range(1, most + 1):
            entries, more = read(self.get(path, what, query={**query, "page": page}))
            yield objects(entries, what)
            if not more:
                return
        raise LimitError(f"{what}: more than {most} pages", code="too_many_pages")


def read_json(answer: Answer, what: str) -> object:
    try:
        return strict_json.loads(answer.body, max_depth=MAX_DEPTH, max_containers=MAX_CONTAINERS)
    except strict_json.StrictJsonError as error:
        if not is_json(answer):
            raise not_a_registry(answer, what) from error
        raise RegistryError(f"{what}: the answer is not JSON that we accept: {error}", code="bad_answer") from error


def objects(value: object, what: str) -> list[Entry]:
    """The objects of a list; raises RegistryError for what is no list of objects."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise RegistryError(f"{what}: the answer is not the list that was expected", code="bad_answer")
    return value


def member(document: object, *names: str) -> object:
    """What lies at the end of a path of names; None if it is not there."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def texts(value: object) -> list[str]:
    """The texts in a list; of anything else, none."""
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def full(size: int) -> Read:
    """A list whose pages are full but for the last one."""
    return lambda page: (page, isinstance(page, list) and len(page) >= size)
