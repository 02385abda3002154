"""The passback room: points that students may read are written into the gradebook of the learning platform that they come from.

LTI 1.3 with Assignment and Grade Services 2.0 (1EdTech). Nothing happens unless ``LABKIT_LTI__PASSBACK__TOKEN_URL`` is set.
"""

from labkit_hub.service.passback.door import Passback
from labkit_hub.service.passback.outbox import Grade, GradedAssignment
from labkit_hub.service.passback.room import PassbackRoom

__all__ = ["Grade", "GradedAssignment", "Passback", "PassbackRoom"]
