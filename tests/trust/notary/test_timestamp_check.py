"""The judge about timestamps: `verifyTimestamp`, tsa stores, accuracy, and the time that is vouched for."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from tests.simulators.revocation import make_ocsp
from tests.simulators.tsa import STAMPED_AT
from tests.trust.notary.stamping import TIME_STAMPING, authority, examine, sound
from tests.trust.notary.synthetic import DAY, NOW, ROOT, certificate, judge_with, level, statement, store
from trust.notary import ocsp
from trust.notary.certificates import Certificate
from trust.notary.evidence import Scheme
from trust.notary.outcome import AuthenticTime, CheckStatus, Word
from trust.notary.revocation import NO_ANSWERS, Asked, Source, SourceKind
from trust.notary.trust_store import TrustStores

SECOND = timedelta(seconds=1)
LATER = STAMPED_AT + 100 * DAY
LEAF = certificate(not_before=STAMPED_AT - DAY, not_after=STAMPED_AT + DAY)
CHAIN = (LEAF, ROOT)


def tsa_store(*roots, name="clock"):
    return store(*map(Certificate.parse, roots or (sound().root,)), name=name, type="tsa")


STORES = TrustStores.of(store(ROOT), tsa_store())


def asking(option=None, name="strict", **override):
    verification = level(name, **override) | ({"verifyTimestamp": option} if option else {})
    return statement(signatureVerification=verification, trustStores=["ca:acme", "tsa:clock"])


def judged(timestamp, *statements, chain=CHAIN, stores=STORES, at=LATER, **facts):
    statements = statements or (asking(),)
    return judge_with(None, *statements, chain=chain, stores=stores, at=at, timestamp=timestamp, **facts)


def check(*arguments, **options):
    return judged(*arguments, **options).result("authenticTimestamp")


# When a timestamp is asked for


@pytest.mark.parametrize("option", [None, "always", "afterCertExpiry"])
def test_a_timestamp_rescues_a_certificate_that_expired(option):
    outcome = judged(examine(), asking(option))
    assert (outcome.word, outcome.verified) == (Word.verified, True)
    result = outcome.result("authenticTimestamp")
    assert (result.status, result.code, result.store) == (CheckStatus.passed, "timestamp_inside_validity", "tsa:clock")
    assert result.seen == "2026-01-01 12:00:00 UTC ± 0 s, by signer"


def test_without_a_tsa_store_in_the_statement_a_timestamp_rescues_nothing():
    outcome = judged(examine(), statement())
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "certificate_expired", False)


@pytest.mark.parametrize(
    ("option", "status"), [("always", CheckStatus.failed), ("afterCertExpiry", CheckStatus.passed)]
)
def test_a_bad_timestamp_beside_a_valid_certificate_matters_only_where_one_is_always_wanted(option, status):
    assert check(examine(break_signature=True), asking(option), at=STAMPED_AT).status is status


def test_after_cert_expiry_looks_at_the_timestamp_once_any_certificate_expired():
    root = certificate(ROOT.subject, is_ca=True, not_before=STAMPED_AT - DAY, not_after=STAMPED_AT + DAY)
    leaf = certificate(not_before=STAMPED_AT - DAY, not_after=LATER + DAY)
    stores = TrustStores.of(store(root), tsa_store())
    for timestamp, word in ((examine(), Word.verified), (examine(break_signature=True), Word.untrusted)):
        assert judged(timestamp, asking("afterCertExpiry"), chain=(leaf, root), stores=stores).word is word


@pytest.mark.parametrize("name", ["permissive", "audit"])
def test_a_bad_timestamp_that_is_only_logged_is_an_exception(name):
    outcome = judged(examine(break_signature=True), asking(name=name))
    assert (outcome.word, outcome.reason) == (Word.verified_with_exceptions, "authentic_timestamp_logged")
    assert outcome.verified


# What the token must be


def test_a_token_that_does_not_hold_fails_with_its_own_reason():
    outcome = judged(examine(break_signature=True))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "timestamp_signature_invalid", False)
    assert outcome.result("authenticTimestamp").seen == "a token that claims 2026-01-01 12:00:00 UTC ± 0 s"


def test_a_token_for_another_signature_fails():
    assert judged(examine(content=b"another")).reason == "timestamp_imprint"


def test_what_nobody_here_can_decide_about_a_token_is_unknown_and_never_accepted():
    critical = [{"extn_id": "1.2.3.4", "critical": True, "extn_value": b"x"}]
    outcome = judged(examine(extensions=critical))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "timestamp_unsupported", False)


# Who is trusted


def test_an_authority_without_a_trusted_root_fails_and_the_fix_says_where_its_root_belongs():
    stranger = authority("p384", depth=1).root
    outcome = judged(examine(), stores=TrustStores.of(store(ROOT), tsa_store(stranger)))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "tsa_unknown_root", False)
    fix = outcome.result("authenticTimestamp").nearest_fix
    assert fix == "If you trust that authority, add its root to tsa:clock."


def test_a_root_in_a_tsa_store_that_the_statement_does_not_name_does_not_count_and_is_pointed_at():
    stranger = authority("p384", depth=1).root
    stores = TrustStores.of(store(ROOT), tsa_store(stranger), tsa_store(name="spare"))
    result = check(examine(), stores=stores)
    assert result.status is CheckStatus.failed
    assert result.nearest_fix == "tsa:spare holds its root: name it in statement release-images, if that is meant."


def test_a_root_in_a_ca_store_vouches_for_no_timestamp():
    root = Certificate.parse(sound().root)
    stores = TrustStores.of(store(ROOT, root), tsa_store(authority("p384", depth=1).root))
    assert judged(examine(), stores=stores).reason == "tsa_unknown_root"


def test_roots_may_be_spread_over_several_tsa_stores():
    both = statement(trustStores=["ca:acme", "tsa:other", "tsa:clock"])
    stores = TrustStores.of(store(ROOT), tsa_store(authority("p384", depth=1).root, name="other"), tsa_store())
    result = check(examine(), both, stores=stores)
    assert (result.status, result.store) == (CheckStatus.passed, "tsa:clock")


@pytest.mark.parametrize("fault", ["missing", "broken"])
def test_one_tsa_store_that_cannot_be_used_fails_the_timestamp_whatever_the_others_hold(fault):
    stores = [
        store(ROOT),
        tsa_store(),
        *([store(name="other", type="tsa", fault="It is broken.")] * (fault == "broken")),
    ]
    result = check(
        examine(), statement(trustStores=["ca:acme", "tsa:clock", "tsa:other"]), stores=TrustStores.of(*stores)
    )
    assert (result.status, result.code, result.store) == (CheckStatus.failed, "tsa_store_unusable", "tsa:other")


def test_without_known_issuances_no_root_is_reached():
    """Who forgets to ask which roots issued what gets a refusal, not a pass."""
    timestamp = examine()
    assert timestamp.issuances
    outcome = judge_with(None, asking(), chain=CHAIN, stores=TrustStores.of(store(ROOT)), at=LATER, timestamp=timestamp)
    assert not outcome.verified


# Accuracy against the validity of every signing certificate

ACCURATE = {"seconds": 5}


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize(
    ("not_before", "not_after", "inside"),
    [
        (-5, 5, True),
        (-4, 60, False),
        (-60, 4, False),
        (-60, 60, True),
        (1, 60, False),
        (-60, -1, False),
    ],
)
def test_the_whole_range_of_the_timestamp_lies_inside_every_validity(position, not_before, not_after, inside):
    limits = [{}, {"is_ca": True}]
    limits[position] |= {"not_before": STAMPED_AT + not_before * SECOND, "not_after": STAMPED_AT + not_after * SECOND}
    limits[1 - position] |= {"not_before": STAMPED_AT - DAY, "not_after": STAMPED_AT + DAY}
    chain = (certificate(**limits[0]), certificate("CN=Root,O=Acme GmbH,ST=BE,C=DE", **limits[1]))
    outcome = judged(examine(accuracy=ACCURATE), chain=chain, stores=TrustStores.of(store(chain[1]), tsa_store()))
    result = outcome.result("authenticTimestamp")
    assert (outcome.verified, result.status is CheckStatus.passed) == (inside, inside)
    if not inside:
        assert (result.code, result.certificate) == ("timestamp_outside_validity", chain[position].thumbprint)


def test_a_timestamp_from_before_the_certificate_or_after_its_expiry_says_so():
    young = certificate(not_before=STAMPED_AT + SECOND, not_after=LATER + DAY)
    assert (
        check(examine(), chain=(young, ROOT)).message == f"The timestamp may be from before {young.subject} was valid."
    )
    old = certificate(not_before=STAMPED_AT - DAY, not_after=STAMPED_AT - SECOND)
    assert check(examine(), chain=(old, ROOT)).message == f"The timestamp may be from after {old.subject} expired."


def test_the_claimed_time_of_signing_and_the_expiry_are_not_compared_with_the_timestamp():
    assert judged(examine(), signed_at=STAMPED_AT + 50 * DAY).verified
    assert judged(examine(), expiry=LATER + DAY).verified


# Revocation of the authority

OCSP = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.tsa.example")
        )
    ]
)


def revocable():
    return authority(extensions=[TIME_STAMPING, (OCSP, False)])


def test_an_authority_that_names_a_revocation_source_is_undecided_while_nobody_asked():
    tsa = revocable()
    outcome = judged(examine(tsa), stores=TrustStores.of(store(ROOT), tsa_store(tsa.root)))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "tsa_revocation_not_evaluated", False)


def test_the_revocation_of_the_authority_counts_even_where_revocation_is_skipped():
    tsa = revocable()
    stores = TrustStores.of(store(ROOT), tsa_store(tsa.root))
    assert judged(examine(tsa), asking(revocation="skip"), stores=stores).reason == "tsa_revocation_not_evaluated"


def test_what_fails_anyway_does_not_wait_for_revocation():
    tsa = revocable()
    old = certificate(not_before=STAMPED_AT - DAY, not_after=STAMPED_AT - SECOND)
    outcome = judged(examine(tsa), chain=(old, ROOT), stores=TrustStores.of(store(ROOT), tsa_store(tsa.root)))
    assert (outcome.word, outcome.reason) == (Word.untrusted, "timestamp_outside_validity")


def answered(tsa, status, **options):
    """The judge's outcome where the responder says this about the signer of the token."""
    chain = tuple(map(Certificate.parse, tsa.chain))
    source = Source(SourceKind.ocsp, "http://ocsp.tsa.example", chain[1].thumbprint, chain[0].thumbprint)
    times = {"this_update": LATER - DAY, "next_update": LATER + DAY} | options
    content = make_ocsp(chain, status, revoked_at=LATER - DAY, **times)
    known = NO_ANSWERS.with_(source, Asked(ocsp.examine(content, *chain[:2], LATER)))
    return judged(examine(tsa), stores=TrustStores.of(store(ROOT), tsa_store(tsa.root)), answers=known)


def test_an_authority_that_is_not_revoked_is_believed_as_long_as_the_answer_holds():
    outcome = answered(revocable(), "good")
    assert (outcome.word, outcome.verified, outcome.stands_until) == (Word.verified, True, LATER + DAY)
    assert outcome.authentic_time.source == "tsa"
    seen = outcome.result("authenticTimestamp").seen
    assert "an OCSP answer of 2026-04-10 12:00:00 UTC from " in seen
    assert "http://ocsp.tsa.example" in seen
    assert "which holds until 2026-04-12 12:00:00 UTC" in seen


def test_a_revoked_authority_is_not_believed_even_about_the_time_before_its_revocation():
    outcome = answered(revocable(), "revoked")
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "tsa_revoked", False)
    assert outcome.authentic_time.source == "none"
    assert "was revoked at 2026-04-10 12:00:00 UTC (keyCompromise)" in outcome.message


@pytest.mark.parametrize(
    ("status", "end"), [("unknown", LATER + DAY), ("good", LATER - SECOND), ("revoked", LATER - SECOND)]
)
def test_an_authority_of_which_nobody_knows_whether_it_is_revoked_is_unknown_and_never_accepted(status, end):
    outcome = answered(revocable(), status, next_update=end)
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "tsa_revocation_unknown", False)
    assert outcome.result("authenticTimestamp").status is CheckStatus.failed  # as notation has it


# The time that is vouched for


def test_the_authentic_time_is_the_range_that_a_trusted_authority_vouches_for():
    vouched = judged(examine(accuracy=ACCURATE)).authentic_time
    assert vouched == AuthenticTime("tsa", STAMPED_AT - 5 * SECOND, STAMPED_AT + 5 * SECOND)


def test_nobody_vouches_for_the_time_where_the_authority_is_not_trusted_or_the_token_does_not_hold():
    nobody = AuthenticTime()
    assert judged(examine(), statement()).authentic_time == nobody
    assert judged(examine(break_signature=True)).authentic_time == nobody
    stranger = TrustStores.of(store(ROOT), tsa_store(authority("p384", depth=1).root))
    assert judged(examine(), stores=stranger).authentic_time == nobody
    assert judged(None).authentic_time == nobody


def test_a_signing_authority_vouches_for_its_own_time_if_it_is_trusted():
    trusted = statement(trustStores=["signingAuthority:acme"])
    for anchored, source in ((ROOT, "authority"), (certificate("CN=Other", is_ca=True), "none")):
        stores = TrustStores.of(store(anchored, type="signingAuthority"))
        facts = {"scheme": Scheme.signing_authority, "signed_at": NOW - DAY}
        vouched = judge_with(None, trusted, stores=stores, **facts).authentic_time
        assert vouched.source == source
        assert vouched.low == vouched.high == (NOW - DAY if source == "authority" else None)


def test_a_time_that_has_not_come_yet_is_noted():
    notes = {note.code for note in judged(examine(), at=STAMPED_AT - SECOND).notes}
    assert "signed_in_future" in notes
    assert "signed_in_future" not in {note.code for note in judged(examine()).notes}


# Deadlines


@pytest.mark.parametrize("option", ["always", "afterCertExpiry"])
def test_certificates_that_a_timestamp_rescues_end_no_green(option):
    outcome = judged(examine(), asking(option), at=STAMPED_AT)
    assert (outcome.word, outcome.green_until) == (Word.verified, None)
    assert judged(examine(), asking(option), at=STAMPED_AT, expiry=LATER).green_until == LATER


def test_a_timestamp_that_would_not_rescue_leaves_the_deadline():
    outcome = judged(examine(break_signature=True), asking("afterCertExpiry"), at=STAMPED_AT)
    assert (outcome.word, outcome.green_until) == (Word.verified, LEAF.not_after)
    assert judged(examine(), statement(), at=STAMPED_AT).green_until == LEAF.not_after
