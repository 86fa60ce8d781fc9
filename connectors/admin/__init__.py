"""Where admins set up connections, keys and mappings, and look at messages.

Secrets go in and never come out: `secrets.py`. Every write goes through the service that owns it.
"""

from connectors.admin.authority import SystemOfRecordAdmin
from connectors.admin.channels import ChannelAdmin
from connectors.admin.connections import ConnectionAdmin
from connectors.admin.keys import ApiKeyAdmin
from connectors.admin.mappings import CodeMappingAdmin
from connectors.admin.messages import AttemptAdmin, InboundMessageAdmin, OutboundMessageAdmin

__all__ = [
    "ApiKeyAdmin",
    "AttemptAdmin",
    "ChannelAdmin",
    "CodeMappingAdmin",
    "ConnectionAdmin",
    "InboundMessageAdmin",
    "OutboundMessageAdmin",
    "SystemOfRecordAdmin",
]
