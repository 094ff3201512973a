"""Docker Hub, GitHub, GitLab, Quay, Azure and Google, each with the part of its API that is used."""

import json

from tests.simulators.vendors import PASSWORD, USER, Product, Refused, part

TOKEN = "a-token-of-the-api"


class DockerHub(Product):
    host = "hub.docker.com"
    routes = {
        "/v2/auth/token": "log_in",
        "/v2/repositories/(?P<namespace>[^/]+)/": "repositories",
        "/v2/repositories/(?P<name>[^/]+/[^/]+)/tags/": "list_tags",
    }

    def authorize(self, authorization, match):
        if self.password and match.re.pattern != "/v2/auth/token" and authorization != f"Bearer {TOKEN}":
            raise Refused("401 Unauthorized")

    def log_in(self, match, query, body):
        if json.loads(body) != {"identifier": USER, "secret": PASSWORD}:
            raise Refused("401 Unauthorized")
        return {"access_token": TOKEN}

    def repositories(self, match, query, body):
        namespace = match["namespace"] + "/"
        names = [name.removeprefix(namespace) for name in self.names() if name.startswith(namespace)]
        return self._page([{"name": name, "namespace": match["namespace"]} for name in names], query)

    def list_tags(self, match, query, body):
        return self._page([{"name": tag, "digest": digest} for tag, digest in self.tags(match["name"])], query)

    def _page(self, entries, query):
        page, more = self.numbered(entries, query)
        following = "https://evil.test/next" if more else None  # nobody should go there
        return {"count": len(entries), "next": following, "results": page}


class GitHub(Product):
    host = "api.github.com"
    routes = {
        "/(?P<kind>orgs|users)/(?P<owner>[^/]+)/packages": "packages",
        "/(?P<kind>orgs|users)/(?P<owner>[^/]+)/packages/container/(?P<name>.+)/versions": "versions",
    }
    kind = "users"

    def authorize(self, authorization, match):
        if authorization != f"Bearer {PASSWORD}":
            raise Refused("401 Unauthorized")
        if match["kind"] != self.kind:
            raise Refused("404 Not Found")

    def packages(self, match, query, body):
        owner = match["owner"] + "/"
        names = [name.removeprefix(owner) for name in self.names() if name.startswith(owner)]
        return self.numbered([{"name": name} for name in names], query, "per_page")[0]

    def versions(self, match, query, body):
        versions = self.by_digest(f"{match['owner']}/{part(match, 'name')}").items()
        entries = [{"name": digest, "metadata": {"container": {"tags": tags}}} for digest, tags in versions]
        return self.numbered(entries, query, "per_page")[0]


class GitLab(Product):
    host = "gitlab.com"
    routes = {"/api/v4/(?P<kind>groups|projects)/(?P<id>.+)/registry/repositories": "repositories"}

    def authorize(self, authorization, match):
        if self.password and authorization != f"Bearer {PASSWORD}":
            raise Refused("401 Unauthorized")

    def repositories(self, match, query, body):
        if match["kind"] == "groups" and part(match, "id") in self.names():
            raise Refused("404 Not Found")
        group = part(match, "id")
        names = [name for name in self.names() if name == group or name.startswith(group + "/")]
        return self.numbered([{"path": name} for name in names], query, "per_page")[0]


class Quay(Product):
    routes = {"/api/v1/repository": "repositories", "/api/v1/repository/(?P<name>.+)/tag/": "list_tags"}

    def authorize(self, authorization, match):
        if self.password and authorization != f"Bearer {PASSWORD}":
            raise Refused("401 Unauthorized")

    def repositories(self, match, query, body):
        namespace, start = query["namespace"], int(query.get("next_page", 0))
        names = [name for name in self.names() if name.startswith(namespace + "/")]
        entries = [{"namespace": namespace, "name": name.partition("/")[2]} for name in names]
        more = {"next_page": str(start + self.page)} if len(entries) > start + self.page else {}
        return {"repositories": entries[start : start + self.page]} | more

    def list_tags(self, match, query, body):
        assert query["onlyActiveTags"] == "true"
        entries = [{"name": tag, "manifest_digest": digest, "start_ts": 1} for tag, digest in self.tags(match["name"])]
        page, more = self.numbered(entries, query, "limit")
        return {"tags": page, "page": int(query.get("page", 1)), "has_additional": more}


class Azure(Product):
    routes = {"/acr/v1/_catalog": "catalog", "/acr/v1/(?P<name>.+)/_tags": "list_tags"}

    def catalog(self, match, query, body):
        names, link = self._page(self.names(), query, "/acr/v1/_catalog")
        return {"repositories": names}, link

    def list_tags(self, match, query, body):
        tags = dict(self.tags(match["name"]))
        names, link = self._page(list(tags), query, f"/acr/v1/{match['name']}/_tags")
        return {"imageName": match["name"], "tags": [{"name": name, "digest": tags[name]} for name in names]}, link

    def _page(self, names, query, path):
        size = min(int(query.get("n", self.page)), self.page)
        rest = [name for name in names if name > query.get("last", "")]
        link = [("Link", f'<{path}?last={rest[size - 1]}&n={size}>; rel="next"')] if len(rest) > size else []
        return rest[:size], link


class Google(Product):
    routes = {"/v2/(?P<name>.+)/tags/list": "list_tags"}

    def list_tags(self, match, query, body):
        found = self.by_digest(match["name"])
        manifest = {digest: {"tag": tags, "imageSizeBytes": "1"} for digest, tags in found.items()}
        return {
            "child": [],
            "name": match["name"],
            "tags": sorted(tag for tags in found.values() for tag in tags),
            "manifest": manifest,
        }
