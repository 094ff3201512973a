"""A bench gives each signature the verdict that it would get alone, whatever it judged before."""

from datetime import timedelta
from itertools import permutations

from tests.trust.notary.synthetic import (
    BROKEN,
    DAY,
    LEAF,
    NOW,
    OTHER_ROOT,
    OTHER_TARGET,
    REPOSITORY,
    ROOT,
    STORES,
    TARGET,
    certificate,
    evidence,
    level,
    policy,
    skip_statement,
    statement,
)
from trust.notary import judge as judging
from trust.notary.evidence import Scheme
from trust.notary.judge import Bench, Question, judge
from trust.notary.revocation import NO_ANSWERS

OTHER_REPOSITORY, SKIPPED = "registry.acme.example/payments/bank", "registry.acme.example/payments/draft"
POLICY = policy(
    statement(),
    statement(
        name="bank", registryScopes=[OTHER_REPOSITORY], trustedIdentities=["x509.subject: C=DE, ST=BE, O=Acme, CN=Bank"]
    ),
    skip_statement(name="draft") | {"registryScopes": [SKIPPED]},
)
OLD = certificate("CN=Old,O=Acme GmbH,ST=BE,C=DE", not_after=NOW - DAY)
SIGNATURES = [
    evidence(),
    evidence(expiry=NOW - DAY),
    evidence(plugin="com.example.plugin"),
    evidence(token=b"token"),
    evidence(scheme=Scheme.signing_authority, signed_at=NOW - DAY),
    evidence(chain=(OLD, ROOT)),
    evidence(chain=(OLD, ROOT), scheme=Scheme.signing_authority, signed_at=NOW - 2 * DAY),
    evidence(chain=(LEAF, OTHER_ROOT)),
    evidence(target=OTHER_TARGET),
    evidence(fault=BROKEN),
]
QUESTIONS = [Question(reference, TARGET) for reference in (REPOSITORY, OTHER_REPOSITORY, SKIPPED, "nowhere")]


def alone(question, signature):
    return judge(question, signature, POLICY, STORES, NO_ANSWERS, NOW)


def test_every_verdict_is_the_one_that_the_signature_would_get_alone():
    for first, second in permutations([(question, one) for question in QUESTIONS for one in SIGNATURES], 2):
        bench = Bench(POLICY, STORES, NO_ANSWERS, NOW)
        assert bench.judge(*first) == alone(*first)
        assert bench.judge(*second) == alone(*second)


def test_a_bench_that_was_asked_for_much_still_answers_right():
    bench = Bench(POLICY, STORES, NO_ANSWERS, NOW)
    for number in range(judging.MOST_REMEMBERED + 1):
        question = Question(f"registry.acme.example/team/{number}", TARGET)
        signer = certificate(not_after=NOW + timedelta(days=number))
        signature = evidence(chain=(signer, ROOT if number % 2 else OTHER_ROOT))
        assert bench.judge(question, signature).verified == (number % 2 == 1)


def test_a_bench_looks_once_at_a_chain_that_signatures_share():
    bench = Bench(POLICY, STORES, NO_ANSWERS, NOW)
    one, other = (bench.judge(QUESTIONS[0], evidence(expiry=NOW + days * DAY)) for days in (1, 2))
    assert one.result("authenticity").message is other.result("authenticity").message
    assert one.result("expiry") != other.result("expiry")


def test_what_a_level_skips_is_skipped_on_a_bench_too():
    relaxed = policy(statement(signatureVerification=level("strict", revocation="skip")))
    bench = Bench(relaxed, STORES, NO_ANSWERS, NOW)
    assert [bench.judge(QUESTIONS[0], evidence()).result("revocation").status for _ in range(2)] == ["skipped"] * 2
