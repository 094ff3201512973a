"""Harbor: projects, artifacts with tags and accessories, pull policies with their exemption, proxy-cache projects."""

import json

from tests.simulators.images import SIGNATURE
from tests.simulators.vendors import Product, part

KINDS = {SIGNATURE: "signature.notation", "application/vnd.dev.cosign.artifact.sig.v1+json": "signature.cosign"}
BLOCKED = b'{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"The image is not signed by <b>notation</b>."}]}'


class Harbor(Product):
    routes = {
        "/api/v2.0/projects": "projects",
        "/api/v2.0/projects/(?P<project>[^/]+)/repositories": "repositories",
        "/api/v2.0/projects/(?P<project>[^/]+)/repositories/(?P<name>.+)/artifacts": "artifacts",
    }

    def __init__(self, demo, *, proxies=(), content_trust=False, **options):
        super().__init__(demo, **options)
        self.proxies = proxies
        self.content_trust = content_trust
        self.hidden = set()  # accessories that Harbor does not know of

    def projects(self, match, query, body):
        names = sorted({name.partition("/")[0] for name in self.names()})
        entries = [{"name": name, "registry_id": 1 if name in self.proxies else None} for name in names]
        return self.numbered(entries, query)[0]

    def repositories(self, match, query, body):
        project = part(match, "project") + "/"
        return self.numbered([{"name": name} for name in self.names() if name.startswith(project)], query)[0]

    def artifacts(self, match, query, body):
        assert (query["with_tag"], query["with_accessory"]) == ("true", "true")
        repository = f"{part(match, 'project')}/{part(match, 'name')}"
        entries = [
            {
                "digest": digest,
                "tags": [{"name": tag, "immutable": False} for tag in tags],
                "accessories": self._accessories(repository, digest) or None,
            }
            for digest, tags in self.by_digest(repository).items()
        ]
        return self.numbered(entries, query)[0]

    def _accessories(self, repository, digest):
        return [
            {
                "type": KINDS.get(entry.get("artifactType"), "sbom.harbor"),
                "digest": entry["digest"],
                "subject_artifact_digest": digest,
            }
            for entry in self.referrers(repository, digest)
            if entry["digest"] not in self.hidden
        ]

    def registry(self, environ, start_response):
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if self.content_trust and "/manifests/" in path and method in ("GET", "HEAD") and not self._exempt(environ):
            start_response("412 Precondition Failed", [("Content-Type", "application/json")])
            return [] if method == "HEAD" else [BLOCKED]
        return super().registry(environ, start_response)

    def _exempt(self, environ):
        """A signature is; so is who may push, says so with a token, and calls itself notation or cosign."""
        repository, _, reference = environ["PATH_INFO"].removeprefix("/v2/").partition("/manifests/")
        stored = self.demo.store.manifest(repository, reference)
        if stored and json.loads(self.demo.store.read(stored.digest)).get("artifactType") == SIGNATURE:
            return True
        agent, scheme = environ.get("HTTP_USER_AGENT", ""), environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not any(word in agent for word in ("notation", "cosign")) or scheme[0] != "Bearer":
            return False
        grant = self.demo.auth._tokens.get(scheme[2])
        return grant is not None and (f"repository:{repository}", "push") in grant.scopes
