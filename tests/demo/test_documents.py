import gzip
import hashlib
import io
import json
import tarfile

from demo import documents

NAME, DIGEST = "payments/ledger-api", f"sha256:{'5a' * 32}"


def test_spdx_describes_every_package(now):
    bill = json.loads(documents.spdx(NAME, now))
    described = {entry["relatedSpdxElement"] for entry in bill["relationships"]}
    assert bill["spdxVersion"] == "SPDX-2.3"
    assert described == {package["SPDXID"] for package in bill["packages"]}
    assert bill["creationInfo"]["created"] == "2026-11-21T09:00:00Z"


def test_cyclonedx_names_every_component_once(now):
    bill = json.loads(documents.cyclonedx(NAME, "1", now))
    references = [component["bom-ref"] for component in bill["components"]]
    assert bill["bomFormat"] == "CycloneDX"
    assert len(set(references)) == len(references) == len(documents.PACKAGES)


def test_sarif_results_name_rules_that_the_run_has():
    (run,) = json.loads(documents.sarif(NAME, "run-1"))["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert [result["ruleId"] for result in run["results"]] == [finding.identifier for finding in documents.FINDINGS]
    assert {result["ruleId"] for result in run["results"]} <= rules


def test_trivy_and_snyk_report_the_same_vulnerabilities(now):
    trivy, snyk = json.loads(documents.trivy(NAME, now)), json.loads(documents.snyk(NAME))
    by_trivy = {entry["VulnerabilityID"] for result in trivy["Results"] for entry in result["Vulnerabilities"]}
    by_snyk = {cve for entry in snyk["vulnerabilities"] for cve in entry["identifiers"]["CVE"]}
    assert by_trivy == by_snyk == {finding.identifier for finding in documents.FINDINGS}
    assert trivy["SchemaVersion"] == 2
    assert snyk["packageManager"] == "deb"


def test_provenance_is_about_the_digest_given(now):
    statement = json.loads(documents.slsa(NAME, DIGEST, now, source="https://git.acme.example/x"))
    assert statement["subject"] == [{"name": NAME, "digest": {"sha256": "5a" * 32}}]
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"


def test_an_archive_depends_on_its_files_alone():
    files = {"etc/a": "one", "etc/b": "two"}
    assert documents.archive(files) == documents.archive(files)
    with tarfile.open(fileobj=io.BytesIO(documents.archive(files))) as tar:
        assert tar.getnames() == ["etc/a", "etc/b"]


def test_an_image_config_names_the_unpacked_layers(now):
    layer = documents.archive({"a": "b"})
    config = json.loads(documents.image_config(NAME, "1", "arm64", now, [layer]))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(gzip.decompress(layer)).hexdigest()}"]
    assert config["architecture"] == "arm64"


def test_a_chart_holds_its_name_and_version():
    config, archive = documents.chart("ledger-api", "2.14.2")
    assert json.loads(config)["version"] == "2.14.2"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert b"name: ledger-api\nversion: 2.14.2\n" in tar.extractfile("ledger-api/Chart.yaml").read()
