"""Pages and API as of an instant."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard import past_listing
from dashboard.as_of import AsOf, NotAnInstantError, text_of
from registries.models import Listing, Presence, Registry, Repository, Tag, TagMove
from tests.dashboard.rows import make_artifact, make_person, make_repository, make_revision
from tests.trust.seeding import DAY, HOUR, Place, publish
from trust.models import ArtifactStatus, StatusChange
from trust.past import Asked

pytestmark = pytest.mark.django_db


@pytest.fixture
def ago():
    return DAY


@pytest.fixture
def place(now):
    publish(at=now - DAY)
    return Place(at=now)


@pytest.fixture
def signed_later(place, now):
    """Unsigned, signed two hours later, withdrawn four hours later."""
    image = place.image("1.0")
    signature = place.sign(image)
    for hours, signatures in ((0, ()), (2, (signature,)), (4, ())):
        place.list(image, *signatures, at=now + hours * HOUR)
        place.judge(now + hours * HOUR)
    return image


def ask(client, name, place, image, *more, status=200, **query):
    answer = client.get(reverse(name, args=[place.repository.pk, image.digest, *more], query=query))
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def said(page):
    (sentence,) = re.findall(r'<p class="say">(.*?)</p>', page, re.DOTALL)
    return re.sub(r"\s+([.,;])", r"\1", text(sentence)).strip()


# -- the instant in an address


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-03-01", "2026-03-01T00:00:00Z"),
        ("2026-03-01T14:00", "2026-03-01T14:00:00Z"),
        ("2026-03-01T14:00:05", "2026-03-01T14:00:05Z"),
        ("2026-03-01T14:00:05.000001Z", "2026-03-01T14:00:05.000001Z"),
        ("2026-03-01T14:00:05+02:00", "2026-03-01T12:00:05Z"),
    ],
)
def test_an_instant_is_read_as_people_and_as_machines_write_it(given, at):
    found = AsOf.parse({"at": given})
    assert text_of(found.at) == at
    assert AsOf.parse({"at": text_of(found.at), "known": "now"}) == AsOf(found.at, Asked.now)


@pytest.mark.parametrize(
    "query",
    [
        {"at": "yesterday"},
        {"at": "2026-02-30"},
        {"at": "2999-01-01"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "2026-03-01T14:00", "known": "maybe"},
        {"known": "now"},
        {"at": "9" * 5000},
        {"at": "2026-03-01T14:00\x00"},
    ],
)
def test_what_is_no_instant_of_the_past_is_refused(query):
    with pytest.raises(NotAnInstantError):
        AsOf.parse(query)


def test_a_page_asked_as_of_nothing_shows_nothing_of_the_present(place, reader, signed_later):
    for page in ("artifact", "artifact_history"):
        name = "before" if page == "artifact_history" else "at"
        shown = ask(reader, page, place, signed_later, status=400, **{name: "<b>never</b>"})
        assert "badge" not in shown
        assert "<b>never" not in shown
    assert reader.get(reverse("artifacts", query={"at": "never"})).status_code == 400
    for api in ("api_artifact_trust", "api_artifact_signatures"):
        assert "at" in json.loads(ask(reader, api, place, signed_later, status=400, at="never"))
    assert reader.get(reverse("api_artifacts", query={"at": "never"})).status_code == 400


# -- one artifact


def test_the_page_says_as_of_when_it_is_which_question_it_answers_and_by_which_revision(
    place, reader, signed_later, now
):
    page = ask(reader, "artifact", place, signed_later, at=text_of(now + 3 * HOUR))
    assert said(page).startswith("Verified. Signed by release-signer 03")
    banner = text(re.search(r'<div class="alert info last as-of">.*?</div></div>', page, re.DOTALL)[0])
    assert "What Signboard knew then." in banner
    assert "Revision 1 was active." in banner
    assert "On record then: verified" in banner
    assert "When it was last asked before the instant is not kept" in banner
    assert said(ask(reader, "artifact", place, signed_later)).startswith("Unsigned.")


def test_before_and_after_are_told_apart_to_the_microsecond(place, reader, signed_later, now):
    for at, word in ((now + 2 * HOUR, "Verified."), (now + 2 * HOUR - timedelta(microseconds=1), "Unsigned.")):
        assert said(ask(reader, "artifact", place, signed_later, at=text_of(at))).startswith(word)


def test_the_other_question_is_one_click_away_and_now_another(place, reader, signed_later, now):
    page = ask(reader, "artifact", place, signed_later, at=text_of(now + 3 * HOUR))
    (other,) = re.findall(r'<a href="(\?[^"]+)">What is known now of then</a>', page)
    answer = reader.get(
        reverse("artifact", args=[place.repository.pk, signed_later.digest]) + other.replace("&amp;", "&")
    )
    assert "What is known now of then." in text(answer.content.decode())
    assert '<a href="?">Now</a>' in page


def test_before_it_was_first_seen_there_is_no_word(place, reader, signed_later, now):
    page = ask(reader, "artifact", place, signed_later, at=text_of(now - HOUR))
    assert "Not known then" in page
    assert "badge" not in page
    assert "No longer in the registry" not in page
    assert "Untagged" not in page
    found = json.loads(ask(reader, "api_artifact_trust", place, signed_later, at=text_of(now - HOUR)))
    assert (found["status"], found["as_of"]["seen"]) == (None, False)
    known = ask(reader, "artifact", place, signed_later, at=text_of(now - HOUR), known="now")
    assert said(known).startswith("Unsigned.")


def test_tags_are_those_of_then(place, reader, signed_later, now):
    tag = Tag.objects.get(name="1.0")
    TagMove.objects.create(tag=tag, before=None, after=signed_later.digest, at=now + HOUR)
    assert '<span class="tag"><bdi>1.0</bdi></span>' in ask(
        reader, "artifact", place, signed_later, at=text_of(now + HOUR)
    )
    assert '<span class="tag"><bdi>1.0</bdi></span>' not in ask(
        reader, "artifact", place, signed_later, at=text_of(now)
    )


def test_a_withdrawn_signature_still_has_its_page_of_then(place, reader, signed_later, now):
    page = ask(reader, "artifact", place, signed_later, at=text_of(now + 3 * HOUR))
    (link, *_) = re.findall(r'<a class="name" href="([^"]+/signatures/[^"]+)"', page)
    answer = reader.get(link.replace("&amp;", "&"))
    assert answer.status_code == 200
    assert "What Signboard knew then." in text(answer.content.decode())
    assert "In the signature graph" not in answer.content.decode()
    assert "Green until" not in answer.content.decode()
    assert reader.get(link.partition("?")[0]).status_code == 404


def test_a_signature_asked_for_as_an_artifact_of_then_leads_to_its_page_of_then(place, reader, signed_later, now):
    at = text_of(now + 3 * HOUR)
    (row,) = json.loads(ask(reader, "api_artifact_signatures", place, signed_later, at=at))["results"]
    answer = reader.get(reverse("artifact", args=[place.repository.pk, row["manifest"]], query={"at": at}))
    assert answer.status_code == 302
    assert reader.get(answer["Location"]).status_code == 200


def test_links_of_a_page_of_then_stay_then(place, reader, signed_later, now):
    page = ask(reader, "artifact", place, signed_later, at=text_of(now + 3 * HOUR))
    for link in re.findall(r'href="(\?signature=[^"]+)"', page):
        assert "at=" in link
    assert "In the signature graph" not in page
    assert "Green until" not in page


def test_the_api_answers_both_questions(place, reader, signed_later, now):
    at = text_of(now + 3 * HOUR)
    for known in ("then", "now"):
        found = json.loads(ask(reader, "api_artifact_trust", place, signed_later, at=at, known=known))
        assert (found["status"], found["as_of"]["known"], found["as_of"]["at"]) == ("verified", known, at)
        assert found["path"]["holds"]
    then = json.loads(ask(reader, "api_artifact_trust", place, signed_later, at=at))
    codes = [one["code"] for one in then["as_of"]["cannot_be_known"]]
    assert "listing_age" in codes
    signatures = json.loads(ask(reader, "api_artifact_signatures", place, signed_later, at=at))
    assert [row["status"] for row in signatures["results"]] == ["verified"]
    assert "as_of" not in json.loads(ask(reader, "api_artifact_trust", place, signed_later))


def test_the_past_of_an_artifact_of_others_does_not_exist(place, client, signed_later, now):
    client.force_login(make_person("eve", everything=False, repositories=[make_repository("other", "r.example")]))
    at = text_of(now + 3 * HOUR)
    for name in (
        "artifact",
        "api_artifact_trust",
        "api_artifact_signatures",
        "artifact_history",
        "api_artifact_history",
    ):
        ask(client, name, place, signed_later, status=404, **({} if "history" in name else {"at": at}))
    listed = json.loads(client.get(reverse("api_artifacts", query={"at": at})).content)
    assert listed["results"] == []


# -- history


def test_the_history_tells_what_happened_each_with_its_before_and_after(place, reader, signed_later):
    page = ask(reader, "artifact_history", place, signed_later)
    told = text(page)
    for words in (
        "1 signature appeared",
        "Withdrawn 1 signature",
        "First seen",
        "First listing",
        "was unsigned",
    ):
        assert words in told
    links = re.findall(r'href="([^"]+)">just (?:before|after)', page)
    assert len(links) == 2 * page.count("<tr") - 2
    (turned,) = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if "is-verified" in row]
    before, after = re.findall(r'href="([^"]+)">just', turned)
    words = [said(reader.get(link.replace("&amp;", "&")).content.decode()).split(".")[0] for link in (before, after)]
    assert words == ["Unsigned", "Verified"]


def test_the_history_is_a_tab_and_has_its_json(place, reader, signed_later):
    assert reverse("artifact_history", args=[place.repository.pk, signed_later.digest]) in ask(
        reader, "artifact", place, signed_later
    )
    found = json.loads(ask(reader, "api_artifact_history", place, signed_later))
    assert {"turned", "signature_appeared", "signature_withdrawn", "first_seen"} <= {
        row["what"] for row in found["results"]
    }
    assert found["next"] is None


def test_a_long_history_is_paged(place, reader, now):
    image = place.image()
    signature = place.sign(image)
    for hour in range(80):
        place.list(image, *([signature] if hour % 2 else []), at=now + timedelta(minutes=hour))
    found = json.loads(ask(reader, "api_artifact_history", place, image))
    seen = []
    while found:
        seen += found["results"]
        found = json.loads(reader.get(found["next"]).content) if found["next"] else None
    assert len([row for row in seen if row["what"].startswith("signature_")]) == 79
    assert "Older" in ask(reader, "artifact_history", place, image)


def test_hostile_text_in_a_history_is_inert(place, reader, now):
    image = place.image()
    tag = Tag.objects.create(repository=place.repository, name="<b>x</b>\u202e", digest=image.digest, since=now)
    TagMove.objects.create(tag=tag, before=None, after=image.digest, at=now)
    place.list(image, complete=False, error="<script>alert(1)</script>")
    page = ask(reader, "artifact_history", place, image)
    assert "<script>alert" not in page
    assert "<b>x" not in page
    assert '<span class="odd">U+202E</span>' in page


def test_an_artifact_that_was_never_judged_or_listed_has_a_history(place, reader):
    assert "First seen" in ask(reader, "artifact_history", place, place.image())


# -- lists


def listed(client, at, **query):
    answer = client.get(reverse("api_artifacts", query={"at": text_of(at), **query}))
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def words(client, at, **query):
    return [row["status"] for row in listed(client, at, **query)["results"]]


def test_a_list_shows_the_words_of_then(place, reader, signed_later, now):
    assert [words(reader, now + n * HOUR) for n in (0, 1, 2, 3, 4)] == [
        ["unsigned"], ["unsigned"], ["verified"], ["verified"], ["unsigned"],
    ]  # fmt: skip
    assert words(reader, now - HOUR) == []
    page = reader.get(reverse("artifacts", query={"at": text_of(now + 3 * HOUR)})).content.decode()
    assert "What Signboard knew then." in text(page)
    assert "that is not recorded" in page
    row = re.search(r"<tbody>.*?</tbody>", page, re.DOTALL)[0]
    assert "is-verified" in row
    assert "is-unsigned" in row  # now
    (link,) = re.findall(r'<a class="name fit" href="([^"]+)"', row)
    assert said(reader.get(link.replace("&amp;", "&")).content.decode()).startswith("Verified.")


def test_what_was_gone_then_is_not_listed(place, reader, signed_later, now):
    Presence.objects.filter(manifest=signed_later).update(until=now + HOUR)
    assert words(reader, now + HOUR) == []
    assert words(reader, now) == ["unsigned"]


def test_a_list_of_then_says_that_a_certificate_decides_now(place, reader, signed_later, now):
    query = {"at": text_of(now + 3 * HOUR), "certificate": "ab" * 32}
    page = reader.get(reverse("artifacts", query=query)).content.decode()
    assert "Decides now" in page
    assert f'name="certificate" value="{"ab" * 32}"' in page
    assert words(reader, now + 3 * HOUR, certificate="ab" * 32) == []


def record(repository, number, word, at, **fields):
    status = make_artifact(repository, word, tag=f"t{number}", name=f"{repository.pk} {number}", since=at)
    Presence.objects.filter(manifest=status.manifest_id).update(since=at)
    StatusChange.objects.create(status=status, before="", after=word, reason=word, cause="first", at=at, **fields)
    return status


@pytest.mark.parametrize("few", [0, past_listing.FEW], ids=["by index", "few"])
def test_lists_of_then_are_paged_worst_first_and_nothing_comes_twice(reader, monkeypatch, few):
    monkeypatch.setattr(past_listing, "FEW", few)
    make_revision()
    repository, at = make_repository(), timezone.now() - 9 * DAY
    for number, word in enumerate(["verified", "failed", "unsigned", "untrusted"] * 4):
        status = record(repository, number, word, at + timedelta(minutes=number // 3))
        StatusChange.objects.create(
            status=status, before=word, after="unknown", reason="x", cause="evidence", at=at + 2 * DAY
        )
    page, seen = listed(reader, at + DAY, limit=3), []
    while page:
        seen += [(row["status"], row["digest"]) for row in page["results"]]
        page = json.loads(reader.get(page["next"]).content) if page["next"] else None
    assert [word for word, _ in seen] == ["failed"] * 4 + ["untrusted"] * 4 + ["unsigned"] * 4 + ["verified"] * 4
    assert len(set(seen)) == 16
    assert set(words(reader, at + 3 * DAY)) == {"unknown"}
    assert words(reader, at + DAY, status="failed,verified") == ["failed"] * 4 + ["verified"] * 4
    assert words(reader, at + DAY, q="t1") != []
    assert words(reader, at + DAY, name="other*") == []


@pytest.mark.parametrize("few", [0, past_listing.FEW], ids=["by index", "few"])
def test_two_changes_at_one_instant_leave_the_later_one(reader, monkeypatch, few):
    monkeypatch.setattr(past_listing, "FEW", few)
    repository, at = make_repository(), timezone.now() - DAY
    status = record(repository, 1, "unsigned", at)
    StatusChange.objects.create(status=status, before="unsigned", after="failed", reason="x", cause="evidence", at=at)
    assert words(reader, at) == ["failed"]


def test_a_list_of_what_is_known_now_says_that_it_is_asked_one_at_a_time(place, reader, signed_later, now):
    query = {"at": text_of(now + HOUR), "known": "now"}
    page = reader.get(reverse("artifacts", query=query)).content.decode()
    assert "judged one artifact at a time" in page
    assert "badge" not in page
    assert reader.get(reverse("api_artifacts", query=query)).status_code == 400


def test_a_filter_that_is_not_understood_lists_nothing_of_then(place, reader, signed_later, now):
    page = reader.get(reverse("artifacts", query={"at": text_of(now + HOUR), "statsu": "failed"})).content.decode()
    assert "Unknown filter" in page
    assert "name fit" not in page
    assert reader.get(reverse("api_artifacts", query={"at": text_of(now), "statsu": "x"})).status_code == 400
    assert reader.get(reverse("api_artifacts", query={"at": text_of(now), "before": "1.1.1"})).status_code == 400


def test_a_list_of_then_as_csv_has_no_formula(reader):
    repository = Repository.objects.create(
        registry=Registry.objects.create(address="r.example", reference_name="r.example"), name="=1+1"
    )
    at = timezone.now() - DAY
    record(repository, 1, "failed", at)
    answer = reader.get(reverse("api_artifacts", query={"at": text_of(at), "format": "csv"}))
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["repository"], row["status"]) == ("'=1+1", "failed")


@pytest.mark.parametrize("few", [0, past_listing.FEW], ids=["by index", "few"])
def test_lists_of_then_take_as_many_queries_for_many_rows(reader, monkeypatch, django_assert_max_num_queries, few):
    monkeypatch.setattr(past_listing, "FEW", few)
    make_revision()
    repository, at = make_repository(), timezone.now() - DAY
    for number in range(60):
        record(repository, number, ["verified", "failed", "unsigned"][number % 3], at)
    url = reverse("artifacts", query={"at": text_of(at)})
    reader.get(url)
    with django_assert_max_num_queries(30):
        page = reader.get(url).content.decode()
    assert page.count('class="name fit"') == 50
    with django_assert_max_num_queries(15):
        listed(reader, at, limit=50)


def test_what_would_take_long_to_count_is_not_counted(reader, monkeypatch):
    monkeypatch.setattr(past_listing, "FEW", 1)
    repository, at = make_repository(), timezone.now() - DAY
    for number in range(3):
        record(repository, number, "failed", at)
    page = reader.get(reverse("artifacts", query={"at": text_of(at)})).content.decode()
    assert 'Failed<span class="count">3</span>' in page
    page = reader.get(reverse("artifacts", query={"at": text_of(at), "name": "web*"})).content.decode()
    assert page.count('class="name fit"') == 3
    assert ">Failed</a>" in page


def test_the_list_of_an_empty_database_says_so(reader):
    page = reader.get(reverse("artifacts", query={"at": "2026-01-01"})).content.decode()
    assert "Nothing on record" in page
    assert "No trust policy was active" in page


def test_an_aged_listing_of_then_is_told_stale(place, reader, now):
    image = place.signed("release")
    Listing.objects.update(checked_at=now - 30 * DAY, since=now - 30 * DAY)
    ArtifactStatus.objects.all().delete()
    assert said(ask(reader, "artifact", place, image, at=text_of(now))).startswith("Stale.")
