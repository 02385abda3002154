"""The service's page names every route, every scope and every number."""

from __future__ import annotations

from labkit_hub.layout import CHECKOUT
from labkit_hub.service.launch import SERVER_SCOPES, role_entries
from labkit_hub.service.metrics import PrometheusMeters
from labkit_hub.settings import Settings

PAGE = (CHECKOUT / "docs" / "hub-service.md").read_text()


def test_every_route_is_documented(tmp_path, address) -> None:
    """With the real queue's ones; a new route without a line fails here."""
    from labkit_hub.service.house import open_house

    app = open_house(Settings(var=tmp_path), address, print)
    routes = [
        f"{method.upper()} {path.removeprefix(address.base_path)}" for path, methods in app.openapi()["paths"].items() for method in methods
    ]
    assert [route for route in routes if f"`{route}`" not in PAGE] == []
    assert len(routes) > 20


def test_every_scope_is_documented(tmp_path) -> None:
    """With its reason."""
    scopes = [*SERVER_SCOPES, *(scope for role in role_entries(Settings(var=tmp_path)) for scope in role["scopes"])]
    assert [scope for scope in scopes if f"`{scope}`" not in PAGE] == []


def test_every_counter_is_documented() -> None:
    """Under the name that Prometheus sees."""
    names = [metric.name for metric in PrometheusMeters().registry.collect()]
    assert [name for name in names if f"`{name}" not in PAGE] == []
