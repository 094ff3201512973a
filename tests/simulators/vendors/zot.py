"""zot: the search extension's list of images."""

import re

from tests.simulators.images import SIGNATURE
from tests.simulators.vendors import Product

QUERY = re.compile(
    r'\{ImageList\(repo:"([a-z0-9._/-]+)",requestedPage:\{limit:(\d+),offset:(\d+)\}\)'
    r"\{Page\{TotalCount ItemCount\} Results\{Tag Digest IsSigned SignatureInfo\{Tool IsTrusted Author\}\}\}\}"
)


class Zot(Product):
    routes = {"/v2/_zot/ext/search": "search"}

    def search(self, match, query, body):
        asked = QUERY.fullmatch(query["query"])
        if not asked:
            return {"errors": [{"message": "a query that this schema does not know"}], "data": None}
        limit, offset = int(asked[2]), int(asked[3])
        images = [self._image(asked[1], tag, digest) for tag, digest in self.tags(asked[1])]
        page = {"TotalCount": len(images), "ItemCount": len(images[offset : offset + limit])}
        return {"data": {"ImageList": {"Page": page, "Results": images[offset : offset + limit]}}}

    def _image(self, repository, tag, digest):
        signed = [entry for entry in self.referrers(repository, digest) if entry.get("artifactType") == SIGNATURE]
        info = [{"Tool": "notation", "IsTrusted": False, "Author": "CN=<b>somebody</b>"} for _ in signed]
        return {"Tag": tag, "Digest": digest, "IsSigned": bool(signed), "SignatureInfo": info}
