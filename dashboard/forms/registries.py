"""The connection forms: what a registry is called, how it is reached, and which repositories are wanted."""

import re
from ipaddress import ip_network
from typing import Any

from django import forms

from dashboard.forms.fields import EXACT, CertificateText, Lines, SecretText
from dashboard.forms.products import ProductFields, check_reachable
from dashboard.forms.pushing import PushingFields
from registries import credential_helpers, docker_config, password_files
from registries.credentials import PUSHING, READING, Purpose
from registries.models import Registry
from registries.oci.errors import as_sentence
from registries.oci.reference import canonical_registry, is_registry_name, is_repository_name

ADDRESS_EXAMPLE = "Give host and port only, such as registry.example.com or registry.example.com:5000."
_PATTERN = re.compile(r"[a-z0-9._/*?-]{1,255}")


class ConnectionForm(forms.Form):
    """What both kinds of connection share; `instance` is the connection that is edited."""

    source: Registry.Source
    address_field: str
    reference_field: str

    def __init__(self, *args: Any, instance: Registry | None = None, **kwargs: Any) -> None:
        self.instance = instance
        if instance:
            kwargs.setdefault("initial", self.initial_of(instance))
        super().__init__(*args, **kwargs)
        # Once verdicts rest on a reference name, another one would be another registry.
        self.reference_is_fixed = bool(instance and instance.repositories.exclude(indexed_at=None).exists())
        self.fields[self.reference_field].disabled = self.reference_is_fixed

    @property
    def secrets(self) -> dict[Purpose, str]:
        """The secrets that were entered."""
        return {}

    @property
    def forgotten(self) -> list[Purpose]:
        """The stored secrets that must go, now that the form is valid."""
        return []

    def initial_of(self, registry: Registry) -> dict[str, Any]:
        raise NotImplementedError

    def fill(self, registry: Registry) -> None:
        """Write what was entered into the row, all but the secrets."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        address = data.get(self.address_field)
        others = Registry.objects.filter(source=self.source, address=address or "")
        if self.instance:
            others = others.exclude(pk=self.instance.pk)
        if address and others.exists():
            self.add_error(self.address_field, "This is already connected. Edit that connection instead.")
        return data


class RegistryForm(ProductFields, PushingFields, ConnectionForm):
    """A connection to a registry."""

    source = Registry.Source.REGISTRY
    address_field = "address"
    reference_field = "reference_name"

    address = forms.CharField(
        max_length=255,
        label="Address",
        help_text="Host, and port where it is not 443. Docker Hub is docker.io.",
        error_messages={"required": ADDRESS_EXAMPLE},
        widget=forms.TextInput(attrs={**EXACT, "placeholder": "registry.example.com"}),
    )
    reference_name = forms.CharField(
        max_length=255,
        required=False,
        label="Reference name",
        help_text="What trust policies call this registry in their scopes. Left empty, it is the address.",
        widget=forms.TextInput(attrs=EXACT),
    )
    username = forms.CharField(
        max_length=255,
        required=False,
        label="User name",
        help_text="Left empty, the registry is asked without credentials.",
        widget=forms.TextInput(attrs=EXACT),
    )
    password = forms.CharField(
        max_length=8192,
        required=False,
        strip=False,
        label="Password or token",
        help_text="Stored encrypted, never shown again. A right to pull is enough.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    docker_config = forms.CharField(
        max_length=docker_config.MAX_SIZE,
        required=False,
        label="Docker's config.json",
        help_text="Instead of user name and password: the entry for this registry is taken, the rest is not kept. "
        "A Kubernetes pull secret will do too.",
        widget=SecretText(attrs={**EXACT, "rows": 3, "class": "mono"}),
    )
    docker_config_file = forms.FileField(required=False, label="or the file")
    credential_helper = forms.ChoiceField(
        required=False,
        label="Credential helper",
        help_text="A program that the operator installed here knows the password; it is asked whenever it is needed.",
    )
    password_file = forms.BooleanField(
        required=False,
        label="The password is in a file that the operator keeps",
        help_text="Its name is the address (: as _), in the directory SIGNBOARD_PASSWORD_FILES. It is read anew each time, as "
        "for Amazon ECR, whose passwords end after 12 hours.",
    )
    repository_patterns = Lines(
        most=1000,
        required=False,
        label="Repositories",
        help_text="Names, or patterns such as prod/*, one a line. Left empty, all that the registry's catalog lists; "
        "a registry without a catalog needs names.",
    )
    tls_ca = CertificateText(
        required=False,
        label="TLS certificate authority",
        help_text="Only where a private authority issued the registry's certificate: that authority, as PEM.",
    )
    plain_http = forms.BooleanField(
        required=False,
        label="Speak plain HTTP",
        help_text="Without TLS anybody on the way can read the credentials and change what is read.",
    )
    private = forms.BooleanField(
        required=False,
        label="The registry has a private or loopback address",
        help_text="Otherwise only public addresses are asked, whatever the name resolves to.",
    )
    allowed_networks = Lines(
        most=50,
        required=False,
        label="Allowed private addresses",
        help_text="Exact host:port, or networks such as 10.20.0.0/16, one a line.",
    )

    token_services = Lines(
        most=20,
        required=False,
        label="Token services",
        help_text="Hosts beside the registry's own that its credentials may be sent to, over https, one a line. "
        "Those of Docker Hub and gitlab.com are known.",
    )
    follow_redirects = forms.BooleanField(
        required=False,
        label="Follow redirects of tags and manifests",
        help_text="Only for a registry that is a front for another. No credential is sent along. Blobs need no consent.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.credential_helper if self.instance else ""
        names = sorted({*credential_helpers.available(), stored} - {""})
        if names:
            field = self.fields["credential_helper"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", "None"), *((name, name) for name in names)]
        else:
            del self.fields["credential_helper"]
        if not password_files.available() and not (self.instance and self.instance.password_file):
            del self.fields["password_file"]

    def initial_of(self, registry: Registry) -> dict[str, Any]:
        names = (
            "address",
            "reference_name",
            "vendor",
            "api_host",
            "notation_compatible",
            "username",
            "push_username",
            "credential_helper",
            "password_file",
            "repository_patterns",
            "tls_ca",
            "plain_http",
            "allowed_networks",
            "token_services",
            "follow_redirects",
        )
        return {name: getattr(registry, name) for name in names} | {"private": bool(registry.allowed_networks)}

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"].lower()
        if not is_registry_name(address):
            raise forms.ValidationError(ADDRESS_EXAMPLE)
        check_reachable(address)
        return "docker.io" if canonical_registry(address) == "docker.io" else address

    def clean_reference_name(self) -> str:
        name: str = self.cleaned_data["reference_name"]
        if name and not is_registry_name(name):
            raise forms.ValidationError("A trust policy scope begins with host or host:port; give only that.")
        return name

    def clean_repository_patterns(self) -> list[str]:
        patterns: list[str] = self.cleaned_data["repository_patterns"]
        for pattern in patterns:
            wild = "*" in pattern or "?" in pattern
            if not (_PATTERN.fullmatch(pattern) if wild else is_repository_name(pattern)):
                raise forms.ValidationError(
                    f"{pattern[:80]} cannot name a repository: lower-case letters and digits with . _ - between them, "
                    "in parts separated by /, without the registry and without a tag."
                )
        return patterns

    def clean_allowed_networks(self) -> list[str]:
        networks: list[str] = self.cleaned_data["allowed_networks"]
        for network in networks:
            _check_network(network)
            check_reachable(network)
        return networks

    def clean_token_services(self) -> list[str]:
        services = [service.lower() for service in self.cleaned_data["token_services"]]
        for service in services:
            if not is_registry_name(service):
                raise forms.ValidationError(f"{service[:80]} is not a host or host:port.")
            check_reachable(service)
        return services

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("private") and not data.get("allowed_networks") and "allowed_networks" not in self.errors:
            self.add_error("allowed_networks", "Say which addresses: exact host:port, or networks.")
        self.check_product(data)
        self._import(data)
        if data.get("password_file") and (data.get("password") or data.get("credential_helper")):
            self.add_error(
                "password_file", "Give a password, choose a helper, or use the operator's file: one of them."
            )
        if data.get("password_file") and not data.get("username"):
            self.add_error(
                "username", "The password in the operator's file needs a user name; that of Amazon ECR is AWS."
            )
        if data.get("credential_helper") and (data.get("password") or data.get("username")):
            self.add_error("credential_helper", "Give a user name and password, or choose a helper: not both.")
        if data.get("password") and not data.get("username"):
            self.add_error("username", "A password needs a user name. Many registries take any name beside a token.")
        self._check_password(data)
        self.check_pushing(data, is_stored=bool(self.instance and self.instance.sealed_push_password))
        return data

    def _check_password(self, data: dict[str, Any]) -> None:
        # One that is stored and may not be sent to the place entered now is forgotten, and the page says so.
        given = (
            data.get("password")
            or data.get("credential_helper")
            or data.get("password_file")
            or (self.instance and self.instance.sealed_password)
        )
        refused = self.errors.keys() & {"username", "password", "credential_helper", "docker_config"}
        if data.get("username") and not given and not refused:
            text = "A user name needs its password or token. With neither, the registry is asked without credentials."
            self.add_error("password", text)

    def _import(self, data: dict[str, Any]) -> None:
        """Take user name and password from Docker's file, if one was given."""
        content, file = data.get("docker_config", ""), data.get("docker_config_file")
        if file and not content:
            content = file.read(docker_config.MAX_SIZE + 1).decode(errors="replace")
        if not content or not data.get("address"):
            return
        if data.get("password"):
            self.add_error("docker_config", "Give a password, or Docker's file: not both.")
            return
        try:
            login = docker_config.login_for(content, data["address"])
        except docker_config.DockerConfigError as error:
            self.add_error("docker_config", as_sentence(str(error)))
            return
        data["username"], data["password"] = login.username, login.secret

    @property
    def secrets(self) -> dict[Purpose, str]:
        data = self.cleaned_data
        return {READING: data.get("password", ""), PUSHING: data.get("push_password", "")}

    @property
    def forgotten(self) -> list[Purpose]:
        """A stored password was given for one address, one user and the hosts named then, and not to be sent in the clear."""
        known, data = self.instance, self.cleaned_data
        if not known:
            return []
        moved = data["address"] != known.address or (data["plain_http"] and not known.plain_http)
        elsewhere = bool(data.get("credential_helper") or data.get("password_file"))
        sent_on = data["api_host"] not in ("", known.api_host)  # with the credentials that read
        gone = {
            READING: moved or sent_on or elsewhere or data["username"] != known.username,
            PUSHING: moved or data["push_username"] != known.push_username,
        }
        return [purpose for purpose, is_gone in gone.items() if is_gone and purpose.sealed(known)]

    def fill(self, registry: Registry) -> None:
        data = self.cleaned_data
        registry.source = self.source
        registry.address = data["address"]
        registry.reference_name = data["reference_name"] or data["address"]
        registry.plain_http = data["plain_http"]
        registry.allowed_networks = data["allowed_networks"] if data["private"] else []
        registry.tls_ca = data["tls_ca"]
        registry.token_services = data["token_services"]
        registry.follow_redirects = data["follow_redirects"]
        registry.vendor = data["vendor"]
        registry.api_host = data["api_host"]
        registry.notation_compatible = data["notation_compatible"]
        registry.username = data["username"]
        registry.password_file = data.get("password_file", False)
        registry.push_username = data["push_username"]
        registry.credential_helper = data.get("credential_helper", "")
        registry.repository_patterns = data["repository_patterns"]


def _check_network(text: str) -> None:
    """A network with a prefix, or host:port; anything else is refused."""
    if "/" not in text:
        if not is_registry_name(text) or ":" not in text.rpartition("]")[2]:
            raise forms.ValidationError(f"{text[:80]} is neither host:port nor a network such as 10.20.0.0/16.")
        return
    try:
        ip_network(text)
    except ValueError as error:
        raise forms.ValidationError(
            f"{text[:80]} is not a network: the bits after the prefix must be zero, as in 10.20.0.0/16."
        ) from error
