"""What a learning platform must be told of this hub, as Canvas reads it from an address."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from ltiauthenticator.lti13.handlers import LTI13ConfigHandler

__all__ = ["RegistrationHandler", "registration"]

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope"


def registration(address: str, title: str, description: str, *, scores: bool) -> dict[str, Any]:
    """Return a developer key for Canvas: addresses, and the rights to make columns and to write scores where points go back.

    It opens in a window of its own: no page of LabKit is shown inside another site's.
    """
    home = f"{address}/hub/home"
    launch = {"message_type": "LtiResourceLinkRequest", "target_link_uri": home}
    placement = {**launch, "placement": "course_navigation", "windowTarget": "_blank", "text": title}
    canvas = {
        "platform": "canvas.instructure.com",
        "domain": urlsplit(address).hostname or "",
        "privacy_level": "public",
        "settings": {"platform": "canvas.instructure.com", "text": title, "placements": [placement]},
    }
    return {
        "title": title,
        "description": description,
        "target_link_uri": home,
        "oidc_initiation_url": f"{address}/hub/lti13/oauth_login",
        "redirect_uris": [f"{address}/hub/lti13/oauth_callback"],
        "public_jwk_url": f"{address}/services/labkit/lti/keys",
        "scopes": [f"{_AGS}/lineitem", f"{_AGS}/score"] if scores else [],
        "custom_fields": {"email": "$Person.email.primary", "login": "$User.username"},
        "extensions": [canvas],
    }


class RegistrationHandler(LTI13ConfigHandler):  # type: ignore[misc]
    """``/hub/lti13/config``, in place of the package's: that one names no key, and asks for rights that nobody here needs."""

    async def get(self) -> None:
        """Answer anybody: the platform asks without a login."""
        ours = self.authenticator
        told = registration(ours.address, ours.tool_name, ours.tool_description, scores=ours.launched is not None)
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(told))
