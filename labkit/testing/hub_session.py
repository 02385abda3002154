"""One person's session with a hub over HTTP: cookies, the XSRF token, and waiting for a server."""

from __future__ import annotations

import re
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from labkit.errors import RunFailed

if TYPE_CHECKING:
    import ssl

    import httpx

__all__ = ["HubSession"]

_OFFERED = re.compile(r'name="profile" id="[^"]*" value="([^"]*)"')


class HubSession:
    """Talks to the hub at `url` as a browser would.

    Parameters
    ----------
    url : str
        The hub's address, without a slash at the end.
    verify : ssl.SSLContext or bool
        Whose certificates are believed.

    Attributes
    ----------
    http : httpx.Client
        For requests of any kind.
    """

    def __init__(self, url: str, *, verify: ssl.SSLContext | bool = True) -> None:
        import httpx

        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=60, trust_env=False, verify=verify)

    def __enter__(self) -> HubSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.http.close()

    @property
    def xsrf(self) -> str:
        """The token that the hub's pages put into their forms."""
        return next((cookie.value or "" for cookie in self.http.cookies.jar if cookie.name == "_xsrf" and cookie.path == "/hub/"), "")

    def post_form(self, path: str, **fields: str) -> httpx.Response:
        """Open the page at `path` if there is one (for a fresh token), then send the form, and return the answer."""
        self.http.get(path)
        return self.http.post(path, data={"_xsrf": self.xsrf, **fields})

    def login(self, username: str, password: str, *, next_url: str = "/hub/home") -> httpx.Response:
        """Log in and return the page that follows; the status is 403 if the hub refused."""
        self.http.get("/hub/login")
        return self.http.post(
            "/hub/login", params={"next": next_url}, data={"_xsrf": self.xsrf, "username": username, "password": password}
        )

    def start_server(self, username: str, *, profile: str = "", timeout_s: float = 120.0) -> dict[str, Any]:
        """Start `username`'s server and return what its ``/api`` answers.

        Parameters
        ----------
        profile : str
            What is chosen where the hub asks; by default the first that it offers.

        Raises
        ------
        RunFailed
            The hub refused it, or it did not answer in time.
        """
        page = self.http.get(f"/hub/spawn/{quote(username)}")
        offered = _OFFERED.findall(page.text)
        if offered:
            page = self.post_form(f"/hub/spawn/{quote(username)}", profile=profile or offered[0])
            if page.status_code >= 400 and page.url.path.startswith("/hub/spawn/"):
                raise RunFailed(f"The hub did not start the server of {username} ({page.status_code}).", hint=page.text[:2000])
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            # The hub answers 424 for a server that is not there yet; a running one answers by itself.
            answer = self.http.get(f"/user/{quote(username)}/api")
            if answer.status_code == 200 and answer.url.path.startswith("/user/"):
                # One page view, so that this session is logged in to the server too.
                self.http.get(f"/user/{quote(username)}/lab")
                return dict(answer.json())
            time.sleep(0.2)
        raise RunFailed(f"The server of {username} did not answer within {timeout_s:.0f} s.", hint=answer.text[:500])
