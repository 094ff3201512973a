"""Trust revisions: what is refused, which is active, and that one of two edits wins."""

import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection

from tests.trust.seeding import NOW, pki, policy, publish, statement, store_files
from trust import revisions
from trust.models import StoreFile, TrustRevision
from trust.notary.errors import TrustPolicyError, TrustStoreError
from trust.revisions import StaleRevisionError

pytestmark = pytest.mark.django_db

KEY = ("ca", "acme", "acme-root-ca-2.pem")


def publish_(content=None, files=None, based_on=None, **options):
    return revisions.publish(
        policy() if content is None else content,
        store_files() if files is None else files,
        author=None,
        reason="because",
        based_on=based_on,
        at=NOW,
        **options,
    )


def test_before_the_first_upload_no_revision_is_active():
    assert (revisions.active(), revisions.active_number()) == (None, None)


def test_the_policy_is_kept_byte_for_byte():
    content = b" \n" + policy() + b"\n"
    publish_(content)
    assert bytes(revisions.active().policy) == content


def test_the_newest_revision_is_active_and_older_ones_stay():
    publish()
    publish(statement("second"))
    assert (revisions.active_number(), TrustRevision.objects.count()) == (2, 2)
    assert revisions.material(revisions.active()).policy.statements[0].name == "second"
    assert revisions.material(TrustRevision.objects.get(number=1)).policy.statements[0].name == "release"


def test_a_revision_says_who_made_it_and_why():
    person = get_user_model().objects.create_user("ada")
    revision = revisions.publish(policy(), {}, author=person, reason="first", based_on=None, at=NOW)
    assert (revision.author, revision.author_name, revision.reason, revision.created_at) == (
        person,
        "ada",
        "first",
        NOW,
    )


def test_stores_are_read_back_as_they_were_uploaded():
    publish_()
    assert revisions.files_of(revisions.active().pk) == store_files()
    store = revisions.material(revisions.active()).stores.get("ca", "acme")
    assert [certificate.common_name for certificate in store.certificates] == ["Acme Root CA 2"]


def test_a_policy_that_breaks_a_rule_is_refused_and_changes_nothing():
    with pytest.raises(TrustPolicyError):
        publish_(b"{}")
    assert not TrustRevision.objects.exists()


@pytest.mark.parametrize(
    ("key", "content"),
    [
        (KEY, b"no certificate"),
        (KEY, b""),
        (("ca", "..", "a.pem"), None),
        (("ca", "a/b", "a.pem"), None),
        (("tls", "acme", "a.pem"), None),
        (("ca", "acme", "../a.pem"), None),
        (("ca", "acme", "a" * 256), None),
        (("tsa", "acme", "a.pem"), "leaf"),
        (("ca", "acme", "leaf.pem"), "leaf"),
    ],
)
def test_a_store_that_notation_could_not_use_is_refused_and_changes_nothing(key, content):
    content = {None: pki().root.pem, "leaf": pki()["release"].pem}.get(content, content)
    with pytest.raises(TrustStoreError):
        publish_(files={**store_files(), key: content})
    assert not TrustRevision.objects.exists()


def test_of_two_edits_of_the_same_base_the_second_is_refused():
    publish_()
    publish_(policy(statement("mine")), based_on=1)
    with pytest.raises(StaleRevisionError, match="revision 1, which is no longer the active one"):
        publish_(policy(statement("theirs")), based_on=1)
    assert revisions.material(revisions.active()).policy.statements[0].name == "mine"


@pytest.mark.parametrize("based_on", [None, 2, 7])
def test_an_edit_that_rests_on_what_is_not_active_is_refused(based_on):
    publish_()
    with pytest.raises(StaleRevisionError):
        publish_(based_on=based_on)
    assert TrustRevision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_publish_at_once_exactly_one_wins():
    publish_()
    start, results = threading.Barrier(4), []

    def edit(name):
        start.wait()
        try:
            for _ in range(200):
                try:
                    results.append(publish_(policy(statement(name)), based_on=1).number)
                    break
                except OperationalError:  # SQLite in memory does not wait for a lock
                    continue
        except StaleRevisionError as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=[f"edit-{number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert [result for result in results if not isinstance(result, StaleRevisionError)] == [2]
    assert StoreFile.objects.filter(revision__number=2).count() == len(store_files())


def test_a_pk_used_again_never_brings_back_old_material():
    revision = publish_()
    revisions.material(revision)
    pk = revision.pk
    TrustRevision.objects.all().delete()
    TrustRevision.objects.create(
        pk=pk, number=1, policy=policy(statement("restored")), created_at=NOW, fingerprint="0" * 64
    )
    assert revisions.material(revisions.active()).policy.statements[0].name == "restored"


def test_material_is_parsed_once(django_assert_num_queries):
    revision = publish_()
    revisions.material(revision)
    with django_assert_num_queries(0):
        assert revisions.material(revision) is revisions.material(revision)


@pytest.mark.parametrize("changed", ["policy", "content", "name", "moved"])
def test_the_fingerprint_covers_everything(changed):
    files = store_files()
    before = revisions.fingerprint(policy(), files)
    content = policy()
    if changed == "policy":
        content += b" "
    elif changed == "content":
        files[KEY] += b"\n"
    else:
        files[("ca", "acme", "b.pem") if changed == "name" else ("ca", "acme2", KEY[2])] = files.pop(KEY)
    assert revisions.fingerprint(content, files) != before
