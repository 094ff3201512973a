"""Patterns of a policy against the repositories that there are now: what they stand for and the document does not name yet."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from registries.models import Repository
from trust import policy_editing
from trust.additions import Additions, compiled
from trust.notary.policy_document import SCOPES, read_document
from trust.notary.policy_rules import is_scope
from trust.revisions import Content


def references() -> list[str]:
    """The names of all repositories that a scope can name."""
    rows = Repository.objects.exclude(registry__reference_name="").order_by("registry__reference_name", "name")
    names = (f"{registry}/{name}" for registry, name in rows.values_list("registry__reference_name", "name"))
    return [name for name in dict.fromkeys(names) if is_scope(name)]


def missing(policy: bytes, additions: Additions, names: Iterable[str]) -> dict[str, list[str]]:
    """By statement, the repositories that its patterns mean and that no statement names; the first statement gets each."""
    if not additions.patterns:
        return {}
    statements = read_document(policy).statements
    named = {scope for statement in statements for scope in statement.scopes}
    free = [name for name in names if name not in named]
    found: dict[str, list[str]] = {}
    for statement in statements:
        if new := compiled(additions.patterns.get(statement.name, ()), free):
            found[statement.name] = new
            free = [name for name in free if name not in set(new)]
    return found


def with_scopes(content: Content, more: Mapping[str, list[str]]) -> Content:
    """The content in which statements name these repositories, too."""
    policy = content.policy
    for position, statement in enumerate(read_document(policy).statements):
        if new := more.get(statement.name):
            wider = replace(statement, scopes=(*statement.scopes, *new))
            policy = policy_editing.change(policy, SCOPES, position, wider)
    return replace(content, policy=policy)
