"""The part of the connection form that says which product a registry is, and what follows from it."""

from typing import Any

from django import forms

from dashboard.forms.fields import EXACT
from registries import addresses
from registries.oci.reference import is_registry_name
from registries.vendors.product import ELSEWHERE, Product, api_host


class ProductFields(forms.Form):
    """Which product it is, as the operator says."""

    vendor = forms.ChoiceField(
        choices=[("", "None: as the specification says"), *Product.choices],
        required=False,
        label="Product",
        help_text="The product's own API tells which repositories there are and what tags name, which saves requests. "
        "What it names is fetched from the registry, and one of the tags is asked for there each time; where it fails, the "
        "registry is asked as any other.",
    )
    api_host = forms.CharField(
        max_length=255,
        required=False,
        label="Host of the product's API",
        help_text="Only for a GitLab of your own, whose API is on another host than its registry: the credentials are "
        "sent there, too, over https. Those of Docker Hub, GitHub and gitlab.com are known.",
        widget=forms.TextInput(attrs={**EXACT, "placeholder": "gitlab.example.com"}),
    )
    notation_compatible = forms.BooleanField(
        required=False,
        label="Step past Harbor's pull rules",
        help_text="Harbor lets a client that calls itself notation-compatible read what a content trust or vulnerability rule "
        "blocks for everybody else, if the robot account that reads may push as well. Leave it off unless those artifacts "
        "must be judged.",
    )

    def clean_api_host(self) -> str:
        host: str = self.cleaned_data["api_host"].lower()
        if host and not is_registry_name(host):
            raise forms.ValidationError("Give host or host:port only, such as gitlab.example.com.")
        if host:
            check_reachable(host)
        return host

    def check_product(self, data: dict[str, Any]) -> None:
        """An API elsewhere needs its host; what is for one product is for no other."""
        product, address = data.get("vendor", ""), data.get("address", "")
        known = api_host(product, address, data.get("api_host", ""))
        if product not in ELSEWHERE and data.get("api_host"):
            self.add_error("api_host", "The API of this product is at the registry itself: leave this empty.")
        elif address and product in ELSEWHERE and not known and "api_host" not in self.errors:
            self.add_error("api_host", "Say on which host the API of this product is.")
        if data.get("notation_compatible") and product != Product.HARBOR:
            self.add_error("notation_compatible", "Only Harbor has such rules: choose it as the product.")


def check_reachable(text: str) -> None:
    """Refused here already: what would never be contacted, whatever is allowed."""
    if why := addresses.never(text):
        raise forms.ValidationError(f"{why}.")
