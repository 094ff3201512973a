from django.apps import AppConfig


class TrustConfig(AppConfig):
    """Trust judges, with memory."""

    name = "trust"
