"""Mutants: a valid draft, changed by one operator or by two. A seed and a number make the same one again."""

from random import Random

from tests.interop.differential import of_chains, of_envelopes, of_headers, of_policies
from tests.interop.differential.operators import OPERATORS
from tests.interop.differential.valid import valid

__all__ = ["mutant", "of_chains", "of_envelopes", "of_headers", "of_policies", "valid_specimen"]


def valid_specimen(seed, number, at):
    return valid(Random(f"{seed} valid {number}"), at).specimen(f"valid {number}")


def mutant(seed, number, at):
    """Every operator has its turn; each fifth mutant is changed by a second one, of another kind."""
    random = Random(f"{seed} mutant {number}")
    first = OPERATORS[list(OPERATORS)[number % len(OPERATORS)]]
    draft = valid(random, at, good=random.random() < 0.8)
    while first.only not in ("", draft.form):
        draft = valid(random, at, good=random.random() < 0.8)
    others = [one for one in OPERATORS.values() if one.only in ("", draft.form) and one.kind != first.kind]
    chosen = [first, random.choice(others)] if random.random() < 0.2 else [first]
    for one in chosen:
        one.change(random, draft)
    names = [one.name for one in chosen]
    return draft.specimen(f"mutant {number}: {' + '.join(names)}", names)
