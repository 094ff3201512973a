"""One statement of a trust policy as a form: what of it was touched, and what it says then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms

from dashboard.forms.fields import KeylessInput, KeylessText
from trust.additions import MOST_PATTERNS, ROLES, compiled, is_pattern, matches
from trust.notary.levels import LEVELS, OVERRIDABLE, Action
from trust.notary.policy_document import SCOPES, WrittenStatement
from trust.policy_editing import Kind

MOST_LINES = 20_000
EXACT = {"autocomplete": "off", "spellcheck": "false"}
CHECKS = {
    "authenticity": "Authenticity",
    "authenticTimestamp": "Timestamp",
    "expiry": "Expiry",
    "revocation": "Revocation",
}
ACTIONS = {Action.enforce: "enforced", Action.log: "logged", Action.skip: "skipped"}
FIELDS = {  # of the form, by the member that a rule is about
    "name": "name",
    "registryScopes": "scopes",
    "level": "level",
    "override": "level",
    "verifyTimestamp": "verify_timestamp",
    "trustStores": "other_stores",
    "trustedIdentities": "trusted_identities",
    "globalPolicy": "is_global",
}
TIMESTAMPS = [
    ("", "not said, which means always"),
    ("always", "always"),
    ("afterCertExpiry", "only once a certificate has expired"),
]
ROLE_CHOICES = [("", "none"), *((role, role) for role in ROLES)]


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to choose from: the stores of the draft, the repositories, and the patterns and roles kept so far."""

    stores: Sequence[str] = ()
    references: Sequence[str] = ()
    patterns: Sequence[str] = ()
    role: str = ""
    signers: Mapping[str, str] | None = None


class Entries(forms.CharField):
    """A list as text, one entry a line; entries stay in their order, and twice where they are there twice."""

    def __init__(self, **kwargs: Any) -> None:
        widget = KeylessText(
            attrs={"rows": kwargs.pop("rows", 4), "class": "mono grows", "spellcheck": "false", "wrap": "off"}
        )
        super().__init__(required=False, strip=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        lines = tuple(line.strip() for line in super().clean(value).splitlines() if line.strip())
        if len(lines) > MOST_LINES:
            raise forms.ValidationError(f"At most {MOST_LINES:,} lines are read, these are {len(lines):,}.")
        return lines


class StatementForm(forms.Form):
    """A statement. It is always bound: to what was sent, or to what the document says."""

    name = forms.CharField(required=False, strip=False, widget=KeylessInput(attrs=EXACT))
    scopes = Entries(
        label="Scopes",
        help_text="One a line: registry/repository, or * alone. A pattern such as registry/prod/* is ours: it stands for "
        "every repository known that it matches and no other statement names, and the document names each.",
    )
    level = forms.ChoiceField(required=False, widget=forms.RadioSelect)
    verify_timestamp = forms.ChoiceField(required=False, label="Timestamps are verified")
    stores = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    other_stores = Entries(
        rows=2, label="Other stores", help_text="type:name, one a line: stores that the draft does not have."
    )
    trusted_identities = Entries(
        label="Trusted identities",
        help_text="One a line: x509.subject: and a name with C, ST and O, or * alone for whomever the stores vouch for.",
    )
    is_global = forms.BooleanField(
        required=False, label="Global", help_text="Applies to blobs for which no statement is named."
    )
    role = forms.ChoiceField(required=False, choices=ROLE_CHOICES, label="Role of its signers")

    def __init__(
        self, data: Any, kind: Kind, written: WrittenStatement, known: Known, *, is_sent: bool, **kwargs: Any
    ) -> None:
        self.kind, self.written, self.known = kind, written, known
        super().__init__(data if is_sent else self._as_data(), **kwargs)
        unused = ("scopes", "role") if kind != SCOPES else ("is_global",)
        for name in unused:
            del self.fields[name]
        self._choices("level", [(name, name) for name in LEVELS], written.level)
        self._choices("verify_timestamp", TIMESTAMPS, written.verify_timestamp)
        self._choices("stores", [(store, store) for store in known.stores], next(iter(known.stores), ""))
        for check in OVERRIDABLE:
            actions = [("", "by level"), ("enforce", "enforced"), ("log", "logged")]
            actions += [("skip", "skipped")] if check == "revocation" else []
            label = f"{CHECKS[check]} in this statement"
            self.fields[f"override_{check}"] = forms.ChoiceField(required=False, label=label)
            self._choices(f"override_{check}", actions, written.override.get(check, ""))
        for number, identity in enumerate(self.labelled):
            label = f"Role of {identity}"
            self.fields[f"signer_{number}"] = forms.ChoiceField(required=False, choices=ROLE_CHOICES, label=label)

    def _choices(self, name: str, choices: Sequence[tuple[str, str]], written: str = "") -> None:
        """The choices, and what the document says where that is none of them."""
        odd = [] if written in {value for value, _ in choices} else [(written, f"{written or 'nothing'}, as written")]
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*odd, *choices]

    @property
    def labelled(self) -> list[str]:
        """The identities that can have a role of their own."""
        return [one for one in self.written.trusted_identities if one.startswith("x509.subject:")][:50]

    @property
    def overrides(self) -> list[tuple[str, list[str], Any]]:
        """The table of levels: each check, what each level does, and the field of this statement."""
        rows = []
        for check in OVERRIDABLE:
            actions = [ACTIONS[level[check]] for level in LEVELS.values()]
            rows.append((CHECKS[check], actions, self[f"override_{check}"]))
        return rows

    @property
    def roles(self) -> list[tuple[str, Any]]:
        return [(identity, self[f"signer_{number}"]) for number, identity in enumerate(self.labelled)]

    def _as_data(self) -> dict[str, Any]:
        """What the document says, as a browser would send it."""
        written, known = self.written, self.known
        data: dict[str, Any] = {
            "name": written.name,
            "scopes": "\n".join(self._shown_scopes()),
            "level": written.level,
            "verify_timestamp": written.verify_timestamp,
            "stores": [store for store in written.trust_stores if store in known.stores],
            "other_stores": "\n".join(store for store in written.trust_stores if store not in known.stores),
            "trusted_identities": "\n".join(written.trusted_identities),
            "is_global": written.is_global,
            "role": known.role,
        }
        data |= {f"override_{check}": written.override.get(check, "") for check in OVERRIDABLE}
        roles = known.signers or {}
        return data | {f"signer_{n}": roles.get(identity, "") for n, identity in enumerate(self.labelled)}

    def _shown_scopes(self) -> list[str]:
        """The patterns, and the scopes that none of them stands for."""
        patterns = list(self.known.patterns)
        return [*patterns, *(one for one in self.written.scopes if not any(matches(some, one) for some in patterns))]

    @property
    def is_touched(self) -> bool:
        """Whether anything was sent that the form did not show; what nobody touched need not be valid."""
        same = self._as_shown()
        return any(_as_sent(self[name].value()) != _as_sent(same[name].value()) for name in self.fields)

    def _as_shown(self) -> "StatementForm":
        return StatementForm(None, self.kind, self.written, self.known, is_sent=False)

    def touched(self) -> frozenset[str]:
        """The fields that say something else than the document. Only for a form that is valid."""
        same = self._as_shown()
        same.is_valid()
        before = same.cleaned_data
        before["name"] = before.get("name", "").replace("\r", "").replace("\n", "")  # as a browser has it in one line
        return frozenset(name for name, value in self.cleaned_data.items() if value != before.get(name))

    def statement(self, picked_identities: Iterable[str] = (), picked_scopes: Iterable[str] = ()) -> WrittenStatement:
        """What the statement says now: as it is written, but for what was touched or picked."""
        data, touched, was = self.cleaned_data, self.touched(), self.written
        now = was
        for name in {"name", "level", "verify_timestamp", "trusted_identities", "is_global"} & touched:
            now = replace(now, **{name: data[name]})
        if {"stores", "other_stores"} & touched:
            now = replace(now, trust_stores=self._stores())
        if any(name.startswith("override_") for name in touched):
            now = replace(now, override=self._override())
        more = [one for one in picked_scopes if one]
        if "scopes" in touched or more:
            now = replace(now, scopes=self._scopes(more))
        there = set(now.trusted_identities)
        new = [one for one in picked_identities if one and one not in there]
        return replace(now, trusted_identities=(*now.trusted_identities, *dict.fromkeys(new)))

    def patterns(self) -> tuple[str, ...]:
        """The patterns among the scopes."""
        lines = self.cleaned_data.get("scopes", ())
        return tuple(dict.fromkeys(line for line in lines if is_pattern(line)))[:MOST_PATTERNS]

    def signer_roles(self) -> dict[str, str]:
        return {identity: self.cleaned_data[f"signer_{number}"] for number, identity in enumerate(self.labelled)}

    def _stores(self) -> tuple[str, ...]:
        """Those that were there keep their places; new ones follow."""
        chosen: list[str] = [*self.cleaned_data["stores"], *self.cleaned_data["other_stores"]]
        kept = [store for store in self.written.trust_stores if store in chosen]
        return (*kept, *dict.fromkeys(store for store in chosen if store not in kept))

    def _override(self) -> dict[str, str]:
        """What the form does not know of stays as it is written, and is refused by its rule."""
        chosen = {check.value: self.cleaned_data[f"override_{check}"] for check in OVERRIDABLE}
        kept = {name: chosen.get(name, action) for name, action in self.written.override.items()}
        return {name: action for name, action in {**kept, **chosen}.items() if action}

    def _scopes(self, more: Sequence[str]) -> tuple[str, ...]:
        """The exact scopes: those that are still meant in their places, then what the lines and patterns bring."""
        patterns = self.patterns()
        lines = [line for line in (*self.cleaned_data["scopes"], *more) if line not in patterns]
        meant = set(lines)
        kept = [one for one in self.written.scopes if one in meant or any(matches(some, one) for some in patterns)]
        there = set(kept)
        new = [one for one in (*lines, *compiled(patterns, self.known.references)) if one not in there]
        return (*kept, *dict.fromkeys(new))


def _as_sent(value: object) -> object:
    """A value as a browser sends it: the line breaks are its own, and a field of one line has none."""
    if isinstance(value, str):
        return value.replace("\r", "\n").replace("\n\n", "\n").strip()
    return value or ""
