"""The verdict sentence: the word, full stop, then who and why, in at most 30 words. Pure."""

import re
from dataclasses import dataclass

from dashboard.parts import Part, text_of
from dashboard.words import LOOKS, Look
from trust.notary.outcome import Word

LONGEST = 30  # words, the verdict itself among them
LONGEST_NAME = 6
LONGEST_NAME_TEXT = 60

_PLACE = re.compile(r"\{(signer|statement)\}")

BY_REASON = {
    # verified with exceptions: what the statement only logs or does not ask
    "authentic_timestamp_logged": "Signed by {signer}, accepted by statement {statement}; its time is only logged.",
    "expiry_logged": "Signed by {signer}, accepted by statement {statement}; the signature has expired, which is only logged.",
    "revocation_logged": "Signed by {signer}, accepted by statement {statement}; revocation of certificates is only logged.",
    "revocation_skipped": "Signed by {signer}, accepted by statement {statement}, which does not ask for revocation.",
    "answer_doubtful": "Signed by {signer}, accepted by statement {statement}; an answer about revocation is not what it should be.",
    # untrusted: intact, but not as the statement asks; a claimant is a signer whose name no trusted root vouches for
    "unknown_root": "Signed by {claimant}, whose certificates lead to no root that statement {statement} trusts.",
    "no_store_for_scheme": "Signed by {claimant}, but statement {statement} names no trust store for this signing scheme.",
    "trust_store_unusable": "Signed by {claimant}, but a trust store of statement {statement} cannot be used.",
    "identity_mismatch": "Intact and from a trusted root, but signed by {signer}, whom statement {statement} does not accept.",
    "no_subject_identity": "Signed by {signer}, but statement {statement} names only identities that Signboard cannot compare.",
    "subject_unreadable": "Signed by {signer}, whose subject cannot be compared with the names in statement {statement}.",
    "expired": "Signed by {signer}, whom statement {statement} accepts, but the signature itself has expired.",
    "certificate_expired": "Signed by {signer}, whom statement {statement} accepts, but a certificate has expired.",
    "certificate_not_yet_valid": "Signed by {signer}, whom statement {statement} accepts, but a certificate is not valid yet.",
    "signed_outside_validity": "Signed by {signer}, but a certificate was not valid at the time of signing.",
    "timestamp_missing": "Signed by {signer}, but statement {statement} asks for a timestamp, and the signature has none.",
    "timestamp_imprint": "Signed by {signer}, but its timestamp was made for another signature.",
    "timestamp_outside_validity": "Signed by {signer}, but its timestamp does not show that every certificate was valid then.",
    "timestamp_signature_invalid": "Signed by {signer}, but its timestamp was altered.",
    "timestamp_unreadable": "Signed by {signer}, but its timestamp cannot be read.",
    "tsa_unknown_root": "Signed by {signer}, but statement {statement} does not trust the authority of its timestamp.",
    "tsa_outside_validity": "Signed by {signer}, but the authority of its timestamp was not valid when it made it.",
    "tsa_store_unusable": "Signed by {signer}, but the timestamping store of statement {statement} cannot be used.",
    "tsa_revoked": "Signed by {signer}, but the authority of its timestamp is revoked, so its time cannot be believed.",
    "metadata_mismatch": "Signed by {signer}, but the signature does not hold the user metadata that was asked for.",
    "revoked": "Signed by {signer}, whose certificate its authority revoked.",
    # failed: bytes that do not hold
    "target_mismatch": "A signature is attached that was made for another artifact.",
    "target_unreadable": "A signature is attached whose payload names no artifact.",
    "blob_mismatch": "The signature was made for another blob, or for the same one as another media type.",
    "layer_count": "A signature is attached that does not name exactly one envelope.",
    "envelope_empty": "A signature is attached whose envelope is empty.",
    # unknown: nobody here can say
    "not_listed": "Nobody has asked the registry for its signatures yet.",
    "listing_incomplete": "The registry's list of signatures could not be read to its end, and none of those listed is good.",
    "blocked_by_policy": "A rule of the registry itself keeps it, or what refers to it, from being read, so nobody here can say.",
    "limit": "There is more to read than Signboard reads, and nothing good among what was read.",
    "plugin_needed": "Signed by {signer}, but the signature needs a verification plugin, which Signboard does not run.",
    "critical_attribute_unknown": "Signed by {signer}, but the signature has a critical attribute that Signboard does not know.",
    "revocation_not_evaluated": "Signed by {signer}, whom statement {statement} accepts; whether it is revoked is not known.",
    "revocation_unknown": "Signed by {signer}, whom statement {statement} accepts; nobody answers whether a certificate is revoked.",
    "timestamp_not_evaluated": "Signed by {signer}, but the timestamp that statement {statement} asks for is not evaluated yet.",
    "timestamp_limit": "Signed by {signer}, but its timestamp is larger than what Signboard reads.",
    "timestamp_unsupported": "Signed by {signer}, but its timestamp holds something that Signboard does not understand.",
    "tsa_revocation_not_evaluated": "Signed by {signer}; whether the authority of its timestamp is revoked is not known.",
    "tsa_revocation_unknown": "Signed by {signer}; nobody answers whether the authority of its timestamp is revoked.",
    "unsupported_envelope": "A signature is attached in an envelope format that Signboard does not know.",
    "envelope_missing": "A signature is listed, but its envelope could not be fetched.",
    "manifest_missing": "A signature is listed, but its manifest could not be fetched.",
    "blob_digest_unknown": "Signed by {signer}, but it names its blob by another hash than the one that is known.",
    # not checked: nobody asked
    "no_statement": "No statement of the trust policy applies to this repository, so nothing was asked of it.",
    "no_policy": "No trust policy has been uploaded yet, so nothing was asked of it.",
    "folding_veto": "A statement spells this repository in another way, so none applies until that is settled.",
    "level_skip": "Statement {statement} skips verification for this repository.",
    "no_such_statement": "The blob trust policy has no statement of that name, so nothing was asked of it.",
    "no_global_statement": "No statement of the blob trust policy is global and none was named, so nothing was asked of it.",
    # stale: it was green, of which word is told by the message
    "listing_old": "It was green, but the registry has not been asked for its signatures lately.",
    "deadline": "It was green until a certificate or the signature expired.",
    "standing": "It was green, but whether its certificates still stand is not known any more.",
}  # fmt: skip
BY_WORD = {
    Word.verified: "Signed by {signer}, accepted by statement {statement}.",
    Word.verified_with_exceptions: "Signed by {signer}, accepted by statement {statement}; a check that it only logs did not pass.",
    Word.untrusted: "Signed by {signer}, but not as statement {statement} asks.",
    Word.failed: "A signature is attached whose bytes do not hold, so it vouches for nothing.",
    Word.unsigned: "The registry lists no signature for this artifact.",
    Word.not_checked: "Nothing was asked of this artifact.",
    Word.unknown: "Nobody here can say whether a good signature is attached.",
    Word.stale: "It was green, and has to be checked again.",
}
COVERED = "It has no signature of its own; a verified index that names it is signed."


@dataclass(frozen=True, slots=True)
class Sentence:
    """The answer of a page, after its word."""

    look: Look
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return f"{self.look.label}. {text_of(self.parts)}"


def sentence(word: Word, reason: str, *, signer: str = "", statement: str = "", covered: bool = False) -> Sentence:
    """Who and why, for a verdict. A reason that has no words of its own gets those of its word."""
    form = BY_REASON.get(reason, BY_WORD[word])
    if word is Word.unsigned and covered:
        form = COVERED
    if word is Word.verified:
        form = BY_WORD[word]  # whatever the code, a full verdict is said in one way
    form = form.replace("{claimant}", "somebody who claims to be {signer}" if signer.strip() else "{signer}")
    names = {"signer": _short(signer) or "somebody unnamed", "statement": _short(statement) or "of the policy"}
    pieces = _PLACE.split(form)  # text, place, text, place, … text
    parts = (Part(names[piece], name=True) if odd % 2 else Part(piece) for odd, piece in enumerate(pieces))
    return Sentence(LOOKS[word], tuple(part for part in parts if part.text))


def _short(name: str) -> str:
    """A name of at most a few words: who writes a certificate does not write our sentence."""
    words = name.split()
    short = " ".join(words[:LONGEST_NAME])[:LONGEST_NAME_TEXT].strip()
    return short if short == " ".join(words) else f"{short}…"
