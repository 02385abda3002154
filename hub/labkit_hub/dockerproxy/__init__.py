"""The only door to Docker: what stands between a caller (the hub, the grader) and the socket that is root on the host.

A filter of paths is no wall: one container made with ``Privileged`` owns the machine. So nothing that a caller sends reaches Docker:
each call is read, and a new one is written from what is allowed (`policy`); targets are looked up, and must carry the caller's label.
"""

from labkit_hub.dockerproxy.app import make_app
from labkit_hub.dockerproxy.callers import ATTACH_LABEL, CALLER_LABEL, Caller, ProxySettings
from labkit_hub.dockerproxy.refusal import Refused

__all__ = ["ATTACH_LABEL", "CALLER_LABEL", "Caller", "ProxySettings", "Refused", "make_app"]
