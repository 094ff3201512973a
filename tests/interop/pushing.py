"""Pushing to a real registry over HTTP, as any client does: blobs, then manifests."""

import hashlib
import json

import httpx

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Pusher:
    """A client of one repository."""

    def __init__(self, address, repository):
        self.client = httpx.Client(base_url=f"http://{address}/v2/{repository}/", trust_env=False)

    def blob(self, content, media_type="application/octet-stream"):
        digest = digest_of(content)
        location = self.client.post("blobs/uploads/").raise_for_status().headers["Location"]
        url = self.client.base_url.join(location).copy_merge_params({"digest": digest})
        self.client.put(url, content=content, headers={"Content-Type": "application/octet-stream"}).raise_for_status()
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def manifest(self, fields, tag=None):
        content = json.dumps(fields).encode()
        headers = {"Content-Type": fields["mediaType"]}
        self.client.put(f"manifests/{tag or digest_of(content)}", content=content, headers=headers).raise_for_status()
        return {"mediaType": fields["mediaType"], "digest": digest_of(content), "size": len(content)}

    def image(self, tag, layer=b"a layer"):
        config = self.blob(b'{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json")
        layers = [self.blob(layer, "application/vnd.oci.image.layer.v1.tar")]
        return self.manifest({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers}, tag)

    def index(self, tag, *images):
        return self.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(images)}, tag)

    def document(self, subject, artifact_type, content):
        """A referrer with one layer."""
        fields = {
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "artifactType": artifact_type,
            "config": self.blob(b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [self.blob(content, artifact_type)],
            "subject": subject,
        }
        return self.manifest(fields)

    def refer_by_tag(self, subject, *referrers):
        """What a client does where there is no referrers API: the index behind the tag of the tag schema."""
        self.index(subject["digest"].replace(":", "-"), *referrers)
