"""Trusted identities: whether the statement accepts the subject of the signing certificate, and how near it comes."""

from collections.abc import Mapping

from trust.notary.checks import Finding, Inputs
from trust.notary.distinguished_names import is_subset, parse_subject
from trust.notary.errors import DistinguishedNameError
from trust.notary.outcome import CheckStatus


def identity(inputs: Inputs) -> Finding:
    """Whether the leaf's subject has every attribute of one of the trusted names, with exactly these values."""
    statement, leaf = inputs.statement, inputs.leaf
    wanted = " or ".join(statement.trusted_identities)
    if statement.trusts_any_identity:
        return _finding(
            inputs, CheckStatus.passed, "any_identity", "Any name is accepted below the trusted roots.", "*"
        )
    if not statement.subjects:
        message = "The statement names no identity of the kind x509.subject, and other kinds need a plugin."
        return _finding(inputs, CheckStatus.failed, "no_subject_identity", message, wanted)
    try:
        subject = parse_subject(leaf.subject)
    except DistinguishedNameError as error:
        message = f"The certificate's subject cannot be compared with names: {error}."
        fix = "Only the identity * can match such a certificate. Issue one with a single C, ST and O."
        return _finding(inputs, CheckStatus.failed, "subject_unreadable", message, wanted, fix)
    if any(is_subset(trusted, subject) for trusted in statement.subjects):
        message = "The statement accepts this name."
        return _finding(inputs, CheckStatus.passed, "identity_matches", message, wanted)
    misses = [differences(trusted, subject) for trusted in statement.subjects]
    fewest = min(misses, key=len)
    nearest = "; ".join(fewest)
    message = f"The statement asks for another name: {nearest}."
    return _finding(inputs, CheckStatus.failed, "identity_mismatch", message, wanted, nearest)


def differences(trusted: Mapping[str, str], subject: Mapping[str, str]) -> list[str]:
    """What keeps a subject from matching a trusted name: "OU is Build, policy wants Release"."""
    return [
        f"{name} is {subject.get(name) or 'absent'}, policy wants {value or 'none'}"
        for name, value in trusted.items()
        if subject.get(name, "") != value
    ]


def _finding(
    inputs: Inputs, status: CheckStatus, code: str, message: str, wanted: str, nearest_fix: str = ""
) -> Finding:
    leaf = inputs.leaf
    return Finding(status, code, message, leaf.subject, wanted, nearest_fix, certificate=leaf.thumbprint)
