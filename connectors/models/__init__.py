"""The rows of connectivity, by concept."""

from connectors.models.authority import SystemOfRecord
from connectors.models.connection import ApiKey, Connection, Credential, Cursor
from connectors.models.corrections import CorrectionHit, CorrectionRule, MessageVersion
from connectors.models.coverage import MissedOrder
from connectors.models.mappings import CodeMapping, ExternalReference
from connectors.models.messages import Attempt, InboundKey, InboundMessage, OutboundMessage

__all__ = [
    "ApiKey",
    "Attempt",
    "CodeMapping",
    "Connection",
    "CorrectionHit",
    "CorrectionRule",
    "Credential",
    "Cursor",
    "ExternalReference",
    "InboundKey",
    "InboundMessage",
    "MessageVersion",
    "MissedOrder",
    "OutboundMessage",
    "SystemOfRecord",
]
