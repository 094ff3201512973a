from django.apps import AppConfig


class RegistriesConfig(AppConfig):
    """Registries remembers what registries hold."""

    name = "registries"
