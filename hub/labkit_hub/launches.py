"""What is taken of a launch from a learning platform: where its gradebook is, and what the person is called there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from labkit_hub.service.internal import Launch

__all__ = ["launch_of"]

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim"
_ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
_NEEDED = frozenset({"https://purl.imsglobal.org/spec/lti-ags/scope/lineitem", "https://purl.imsglobal.org/spec/lti-ags/scope/score"})
_MEMBER = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
_STAFF = frozenset({f"{_MEMBER}Instructor", f"{_MEMBER}Administrator", f"{_MEMBER}ContentDeveloper"})


def launch_of(user: str, claims: Mapping[str, Any]) -> Launch | None:
    """Return what is needed to send scores; None where the platform takes none from us, or does not say for which course."""
    endpoint, context = _mapping(claims.get(_ENDPOINT)), _mapping(claims.get(f"{_CLAIM}/context"))
    scopes = endpoint.get("scope")
    if not isinstance(scopes, list) or not set(scopes) >= _NEEDED:
        return None
    roles = claims.get(f"{_CLAIM}/roles")
    audience = claims.get("aud")
    first = audience[0] if isinstance(audience, list) and audience else audience
    try:
        return Launch(
            user=user,
            context=f"{claims.get('iss')} {_text(claims.get(f'{_CLAIM}/deployment_id'))} {context['id']}",
            title=_text(context.get("title") or context.get("label"))[:300],
            subject=claims["sub"],
            client_id=claims.get("azp") or first,
            lineitems=endpoint["lineitems"],
            teaches=isinstance(roles, list) and bool(_STAFF & set(map(str, roles))),
        )
    except (KeyError, TypeError, ValidationError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
