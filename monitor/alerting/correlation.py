"""Correlation of portals that fail together: keys of a possible common cause, and when two incidents are one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.result import Fault

if TYPE_CHECKING:
    from monitor.model.incidents import AffectedPortal, Incident
    from monitor.model.records import Portal

CERTIFICATE_FAULTS = {Fault.TLS_EXPIRED, Fault.TLS_UNTRUSTED, Fault.TLS_OTHER}
"""Faults that an issuer can cause. Half of the fleet shares one issuer, so it explains no other fault."""

KEY_PRECEDENCE = ("dependency", "platform", "name_server", "issuer", "address")
"""Types of keys, the strongest explanation first."""


def correlation_keys(part: AffectedPortal, portal: Portal | None) -> tuple[str, ...]:
    """Return the keys by which a common cause is recognised, as ``type:value``."""
    keys: list[str] = []
    if portal is not None:
        keys += [f"dependency:{name}" for name in (*portal.depends_on, portal.id)]
        keys += [f"platform:{portal.platform}"] if portal.platform else []
        if portal.name_server and part.fault is Fault.DNS:
            keys.append(f"name_server:{portal.name_server}")
    issuer = part.certificate.get("cert_issuer")
    if issuer and part.fault in CERTIFICATE_FAULTS:
        keys.append(f"issuer:{issuer}")
    if part.address and part.fault is not Fault.DNS:
        keys.append(f"address:{part.address}")
    return tuple(keys)


def shared_keys(incident: Incident, part: AffectedPortal) -> tuple[str, ...]:
    """Return the keys that all portals of the incident share with this one; empty: it is another incident."""
    shared = set(incident.shared or incident.portals[0].shared) & set(part.shared)
    return tuple(sorted(shared, key=lambda key: (KEY_PRECEDENCE.index(key.partition(":")[0]), key)))
