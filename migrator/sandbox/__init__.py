"""An emulated Bitrix24 portal on loopback: the independent other side.

Written from the vendor's documentation and server source. It imports nothing from the rest of
the package and shares no constants with it, so that client and checker cannot be wrong together.
"""

from __future__ import annotations

from migrator.sandbox import (
    classic,
    classic_user_fields,
    company_lists,
    currencies,
    items,
    status_methods,
    system_methods,
    types,
    user_field_config,
    users,
)
from migrator.sandbox.faults import FaultKind, FaultPlan, FaultRule, read_rules
from migrator.sandbox.losses import LossKind, SilentLoss
from migrator.sandbox.portal import Portal
from migrator.sandbox.request_log import RequestRecord
from migrator.sandbox.server import PortalServer, serve
from migrator.sandbox.twin import twin_structure

#: Modules that register REST methods on import.
METHOD_MODULES = (
    classic,
    classic_user_fields,
    company_lists,
    currencies,
    items,
    status_methods,
    system_methods,
    types,
    user_field_config,
    users,
)

__all__ = [
    "FaultKind",
    "FaultPlan",
    "FaultRule",
    "LossKind",
    "Portal",
    "PortalServer",
    "RequestRecord",
    "SilentLoss",
    "read_rules",
    "serve",
    "twin_structure",
]
