"""Small valid documents that hang on images: bills of materials, scan results, provenance; and a chart's archive."""

import gzip
import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

SPDX = "application/spdx+json"
CYCLONEDX = "application/vnd.cyclonedx+json"
SARIF = "application/sarif+json"
TRIVY = "application/vnd.aquasecurity.trivy.report.json"
SNYK = "application/vnd.snyk.test+json"
IN_TOTO = "application/vnd.in-toto+json"
SLSA_PREDICATE = "https://slsa.dev/provenance/v1"


@dataclass(frozen=True, slots=True)
class Package:
    """A package of Debian that an image contains."""

    name: str
    version: str

    @property
    def url(self) -> str:
        return f"pkg:deb/debian/{self.name}@{self.version}?arch=amd64&distro=debian-12"


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability that a scanner reports."""

    identifier: str
    package: Package
    severity: str  # LOW, MEDIUM, HIGH, CRITICAL
    title: str
    fixed: str = ""


PACKAGES = (
    Package("base-files", "12.4+deb12u8"),
    Package("libc6", "2.36-9+deb12u9"),
    Package("libssl3", "3.0.15-1~deb12u1"),
    Package("zlib1g", "1:1.2.13.dfsg-1"),
    Package("ca-certificates", "20230311"),
    Package("libexpat1", "2.5.0-1+deb12u1"),
    Package("tzdata", "2025b-0+deb12u2"),
)
FINDINGS = (
    Finding("CVE-2023-45853", PACKAGES[3], "CRITICAL", "zlib: integer overflow in zipOpenNewFileInZip4_64"),
    Finding("CVE-2024-45490", PACKAGES[5], "HIGH", "libexpat: negative length in XML_ParseBuffer", "2.5.0-1+deb12u2"),
    Finding("CVE-2024-13176", PACKAGES[2], "MEDIUM", "openssl: timing side channel in ECDSA", "3.0.16-1~deb12u1"),
    Finding("CVE-2010-4756", PACKAGES[1], "LOW", "glibc: glob expansion uses too many resources"),
)
SARIF_LEVELS = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note"}
CVSS = {"CRITICAL": 9.8, "HIGH": 7.5, "MEDIUM": 4.1, "LOW": 2.1}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _uuid(text: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, text)


def spdx(name: str, created: datetime, packages: Sequence[Package] = PACKAGES) -> bytes:
    """A bill of materials, SPDX 2.3."""
    listed = [
        {
            "SPDXID": f"SPDXRef-Package-{number}",
            "name": package.name,
            "versionInfo": package.version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": package.url}
            ],
        }
        for number, package in enumerate(packages)
    ]
    return _json(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": name,
            "documentNamespace": f"https://sbom.acme.example/{_uuid(name)}",
            "creationInfo": {
                "created": _rfc3339(created),
                "creators": ["Tool: acme-sbom-1.4", "Organization: Acme GmbH"],
            },
            "packages": listed,
            "relationships": [
                {
                    "spdxElementId": "SPDXRef-DOCUMENT",
                    "relationshipType": "DESCRIBES",
                    "relatedSpdxElement": package["SPDXID"],
                }
                for package in listed
            ],
        }
    )


def cyclonedx(name: str, version: str, created: datetime, packages: Sequence[Package] = PACKAGES) -> bytes:
    """A bill of materials, CycloneDX 1.6."""
    return _json(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{_uuid(name + version)}",
            "version": 1,
            "metadata": {
                "timestamp": _rfc3339(created),
                "component": {"type": "container", "name": name, "version": version},
            },
            "components": [
                {
                    "type": "library",
                    "bom-ref": package.url,
                    "name": package.name,
                    "version": package.version,
                    "purl": package.url,
                }
                for package in packages
            ],
        }
    )


def sarif(name: str, run: str, findings: Sequence[Finding] = FINDINGS) -> bytes:
    """Scan results, SARIF 2.1.0."""
    rules = [
        {
            "id": finding.identifier,
            "shortDescription": {"text": finding.title},
            "properties": {"security-severity": str(CVSS[finding.severity])},
        }
        for finding in findings
    ]
    results = [
        {
            "ruleId": finding.identifier,
            "level": SARIF_LEVELS[finding.severity],
            "message": {"text": f"{finding.package.name} {finding.package.version}: {finding.title}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"{name}/{finding.package.name}"},
                        "region": {"startLine": 1},
                    }
                }
            ],
        }
        for finding in findings
    ]
    driver = {
        "name": "Grype",
        "version": "0.87.0",
        "informationUri": "https://github.com/anchore/grype",
        "rules": rules,
    }
    return _json(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "automationDetails": {"id": run}, "results": results}],
        }
    )


def trivy(name: str, created: datetime, findings: Sequence[Finding] = FINDINGS) -> bytes:
    """Scan results as Trivy writes them."""
    return _json(
        {
            "SchemaVersion": 2,
            "CreatedAt": _rfc3339(created),
            "ArtifactName": name,
            "ArtifactType": "container_image",
            "Metadata": {"OS": {"Family": "debian", "Name": "12.8"}},
            "Results": [
                {
                    "Target": f"{name} (debian 12.8)",
                    "Class": "os-pkgs",
                    "Type": "debian",
                    "Vulnerabilities": [
                        {
                            "VulnerabilityID": finding.identifier,
                            "PkgName": finding.package.name,
                            "InstalledVersion": finding.package.version,
                            **({"FixedVersion": finding.fixed} if finding.fixed else {}),
                            "Severity": finding.severity,
                            "Title": finding.title,
                            "CVSS": {"nvd": {"V3Score": CVSS[finding.severity]}},
                        }
                        for finding in findings
                    ],
                }
            ],
        }
    )


def snyk(name: str, findings: Sequence[Finding] = FINDINGS) -> bytes:
    """Scan results as `snyk container test --json` writes them."""
    return _json(
        {
            "ok": not findings,
            "packageManager": "deb",
            "projectName": f"docker-image|{name}",
            "path": name,
            "dependencyCount": len(PACKAGES),
            "uniqueCount": len(findings),
            "summary": f"{len(findings)} vulnerable dependency paths",
            "vulnerabilities": [
                {
                    "id": f"SNYK-DEBIAN12-{finding.package.name.upper()}-{number}",
                    "title": finding.title,
                    "severity": finding.severity.lower(),
                    "packageName": finding.package.name,
                    "version": finding.package.version,
                    "cvssScore": CVSS[finding.severity],
                    "identifiers": {"CVE": [finding.identifier], "CWE": []},
                    "from": [f"docker-image|{name}", f"{finding.package.name}@{finding.package.version}"],
                    "isUpgradable": bool(finding.fixed),
                }
                for number, finding in enumerate(findings, 1)
            ],
        }
    )


def slsa(name: str, digest: str, created: datetime, *, source: str) -> bytes:
    """Provenance: an in-toto statement with a SLSA v1 predicate about the artifact of this digest."""
    algorithm, _, encoded = digest.partition(":")
    commit = hashlib.sha1(f"{name}{digest}".encode(), usedforsecurity=False).hexdigest()
    return _json(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {algorithm: encoded}}],
            "predicateType": SLSA_PREDICATE,
            "predicate": {
                "buildDefinition": {
                    "buildType": "https://ci.acme.example/buildtypes/container/v1",
                    "externalParameters": {"repository": source, "ref": "refs/heads/main"},
                    "resolvedDependencies": [{"uri": f"git+{source}@refs/heads/main", "digest": {"gitCommit": commit}}],
                },
                "runDetails": {
                    "builder": {"id": "https://ci.acme.example/runners/hosted"},
                    "metadata": {
                        "invocationId": f"https://ci.acme.example/runs/{_uuid(name + digest)}",
                        "startedOn": _rfc3339(created),
                    },
                },
            },
        }
    )


def archive(files: Mapping[str, str]) -> bytes:
    """A tar.gz whose bytes depend on the files alone: a layer or a chart."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def chart(name: str, version: str) -> tuple[bytes, bytes]:
    """A Helm chart: its config (Chart.yaml as JSON) and its archive."""
    config = {"apiVersion": "v2", "name": name, "version": version, "type": "application", "appVersion": version}
    files = {
        f"{name}/Chart.yaml": "".join(f"{key}: {value}\n" for key, value in config.items()),
        f"{name}/values.yaml": f"image:\n  repository: {name}\n  tag: {version}\n",
        f"{name}/templates/service.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n",
    }
    return _json(config), archive(files)


def image_config(name: str, version: str, architecture: str, created: datetime, layers: Sequence[bytes]) -> bytes:
    """The configuration of an image with these layers (each a tar.gz)."""
    diff_ids = [f"sha256:{hashlib.sha256(gzip.decompress(layer)).hexdigest()}" for layer in layers]
    return _json(
        {
            "created": _rfc3339(created),
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": [f"/app/{name.rpartition('/')[2]}"], "Labels": {"version": version}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created": _rfc3339(created), "created_by": "COPY . /app"} for _ in layers],
        }
    )
