"""What portals that fall together may have in common: the keys of a cause, and when two incidents are one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.result import Fault

if TYPE_CHECKING:
    from monitor.model.incidents import AffectedPortal, Incident
    from monitor.model.records import Portal

CERTIFICATE_FAULTS = {Fault.TLS_EXPIRED, Fault.TLS_UNTRUSTED, Fault.TLS_OTHER}
"""Faults that an issuer can bring about. Half of the fleet shares one, which explains nothing else."""

KEY_PRECEDENCE = ("dependency", "platform", "name_server", "issuer", "address")
"""What explains most first."""


def correlation_keys(affected_portal: AffectedPortal, portal: Portal | None) -> tuple[str, ...]:
    """The keys by which a common cause of ``member`` is recognised, as ``sort:value``."""
    found: list[str] = []
    if portal is not None:
        found += [f"dependency:{name}" for name in (*portal.depends_on, portal.id)]
        found += [f"platform:{portal.platform}"] if portal.platform else []
        if portal.name_server and affected_portal.fault is Fault.DNS:
            found.append(f"name_server:{portal.name_server}")
    issuer = affected_portal.certificate.get("cert_issuer")
    if issuer and affected_portal.fault in CERTIFICATE_FAULTS:
        found.append(f"issuer:{issuer}")
    if affected_portal.address and affected_portal.fault is not Fault.DNS:
        found.append(f"address:{affected_portal.address}")
    return tuple(found)


def shared_keys(incident: Incident, affected_portal: AffectedPortal) -> tuple[str, ...]:
    """What all of the incident's portals share with ``member``; empty when it is another incident."""
    already = set(incident.shared or incident.members[0].shared)
    shared = already & set(affected_portal.shared)
    return tuple(sorted(shared, key=lambda key: (KEY_PRECEDENCE.index(key.partition(":")[0]), key)))
