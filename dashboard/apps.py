from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Dashboard is people."""

    name = "dashboard"
