"""The register of mutation operators, and the rows of docs/compatibility.md that may explain a difference."""

from collections.abc import Callable
from dataclasses import dataclass

OPERATORS = {}


@dataclass(frozen=True)
class Operator:
    """Changes a draft in one way, by chance. `rows` name what Signboard may refuse of it though notation accepts it."""

    name: str
    change: Callable
    rows: tuple[str, ...]
    only: str  # "jws", "cose" or neither

    @property
    def kind(self):
        return self.change.__module__


def operator(*rows, only=""):
    def register(change):
        assert change.__name__ not in OPERATORS, change.__name__
        assert set(rows) <= ROWS.keys(), rows
        OPERATORS[change.__name__] = Operator(change.__name__, change, rows, only)
        return change

    return register


JSON_CODES = {"envelope_unreadable", "TP00", "target_unreadable"}
ROWS = {  # name: (how the row begins in docs/compatibility.md, the codes with which we refuse)
    "D3": ("D3: a critical signed attribute that nobody knows", {"critical_attribute_unknown"}),
    "names twice": ("A member name twice in an envelope's JSON", JSON_CODES | {"attribute_name"}),
    "JSON limits": ("JSON nested deeper than 64", JSON_CODES),
    "CBOR limits": ("CBOR deeper than 16, indefinite lengths, duplicate keys", {"envelope_unreadable"}),
    "JWS forms": ("JWS: times that are not RFC 3339", {"attribute_time", "base64", "envelope_unreadable"}),
    "both headers": (
        "The same name in the protected and the unprotected header",
        {"attribute_name", "envelope_unreadable"},
    ),
    "COSE values": (
        "COSE: a tag other than 1 at the three times",
        {"attribute_value", "attribute_time", "envelope_unreadable"},
    ),
    "NUL": ("A payload target with a NUL in an annotation", {"target_unreadable"}),
    "payload": ("A payload with a member name twice", {"target_unreadable"}),
    "envelope size": ("An envelope larger than 1 MiB", {"envelope_size"}),
    "chain length": ("More than 10 certificates in a chain", {"chain_length"}),
    "self-signed": ("A trusted store certificate that its own key signed", {"trust_store_unusable"}),
    "policy names": ("a member name twice, or one that differs from a known name in case only", {"TP00"}),
    "policy end": ("bytes after the document", {"TP00"}),
    "policy text": ("a byte order mark, bytes that are not UTF-8", {"TP00"}),
    "store names": ("the store names `.` and `..`", {"TP18"}),
    "spelling": ("A repository that another statement names in another spelling", {"folding_veto"}),
    "escapes": ("A distinguished name whose escapes are not UTF-8", {"TP23"}),
    "token": ("Elements after the last one that a structure of the token has", {"timestamp_unreadable"}),
}


def rows_of(specimen, ours, theirs):
    """The rows that explain why ours is stricter here; none explains that it accepts what notation refuses."""
    if ours.accepts and not theirs.accepts:
        return []
    allowed = {row for name in specimen.operators for row in OPERATORS[name].rows}
    return sorted(row for row in allowed if ours.codes & ROWS[row][1])
