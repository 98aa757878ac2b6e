"""The metrics of the HTTP kinds, each declared once, with the name of blackbox_exporter where it has one."""

from __future__ import annotations

from probes.metric import Metric, Unit

_PHASE_METRIC = "probe_http_duration_seconds"
_OWN_PHASE_METRIC = "portal_monitor_http_phase_seconds"
_CHAIN_METRIC = "probe_ssl_last_chain_info"


def _phase_metric(name: str, description: str, prometheus_name: str = _PHASE_METRIC) -> Metric:
    return Metric(
        name=f"{name}_seconds",
        unit=Unit.SECONDS,
        help=f"Time {description}, summed over all hops.",
        prometheus_name=prometheus_name,
        labels={"phase": name},
    )


HTTP_METRICS: tuple[Metric, ...] = (
    _phase_metric("resolve", "to resolve the name"),
    _phase_metric("connect", "to open the TCP connection"),
    _phase_metric("tls", "for the TLS handshake"),
    _phase_metric("send", "of our own, to open the socket and to write the request", _OWN_PHASE_METRIC),
    _phase_metric("wait", "from the written request to the first byte of the response", _OWN_PHASE_METRIC),
    Metric(
        name="processing_seconds",
        unit=Unit.SECONDS,
        help="Time of our own until the request is written, and until the first byte, summed over all hops.",
        prometheus_name=_PHASE_METRIC,
        labels={"phase": "processing"},
        sum_of=("send_seconds", "wait_seconds"),
    ),
    _phase_metric("transfer", "from the first byte of the response to its last"),
    Metric(
        name="first_resolve_seconds",
        unit=Unit.SECONDS,
        help="Time to resolve the name of the first hop.",
        prometheus_name="probe_dns_lookup_time_seconds",
    ),
    Metric(
        name="status",
        unit=Unit.CODE,
        help="HTTP status code of the last hop.",
        type=int,
        prometheus_name="probe_http_status_code",
    ),
    Metric(
        name="http_version",
        unit=Unit.CODE,
        help="HTTP version of the last hop.",
        prometheus_name="probe_http_version",
    ),
    Metric(
        name="redirects",
        unit=Unit.COUNT,
        help="Number of redirects followed.",
        type=int,
        prometheus_name="probe_http_redirects",
    ),
    Metric(
        name="ssl", unit=Unit.FLAG, help="Whether the last hop used TLS.", type=bool, prometheus_name="probe_http_ssl"
    ),
    Metric(
        name="content_length",
        unit=Unit.BYTES,
        help="Length that the last hop's response announced in its header.",
        type=int,
        prometheus_name="probe_http_content_length",
    ),
    Metric(
        name="bytes_body",
        unit=Unit.BYTES,
        help="Length of the last hop's body after decoding.",
        type=int,
        prometheus_name="probe_http_uncompressed_body_length",
    ),
    Metric(
        name="bytes_wire",
        unit=Unit.BYTES,
        help="Bytes of responses received, headers and encoded bodies of all hops, without TLS framing.",
        type=int,
        prometheus_name="portal_monitor_http_received_bytes",
    ),
    Metric(
        name="ip_family",
        unit=Unit.CODE,
        help="IP version of the fetch that gave the phases, 4 or 6.",
        type=int,
        prometheus_name="probe_ip_protocol",
    ),
    *(
        Metric(
            name=f"ipv{family}_success",
            unit=Unit.FLAG,
            help="Whether the probe succeeded over each address family.",
            type=bool,
            prometheus_name="portal_monitor_family_success",
            labels={"family": f"ipv{family}"},
        )
        for family in (4, 6)
    ),
    *(
        Metric(
            name=f"ipv{family}_seconds",
            unit=Unit.SECONDS,
            help="Duration of the probe over each address family.",
            prometheus_name="portal_monitor_family_duration_seconds",
            labels={"family": f"ipv{family}"},
        )
        for family in (4, 6)
    ),
    Metric(
        name="cert_leaf_expiry",
        unit=Unit.TIMESTAMP,
        help="Expiry of the leaf certificate of the last hop, in unix time.",
        prometheus_name="portal_monitor_certificate_leaf_expiry_timestamp_seconds",
    ),
    Metric(
        name="cert_earliest_expiry",
        unit=Unit.TIMESTAMP,
        help="Earliest expiry among the certificates that the last hop presented, in unix time.",
        prometheus_name="probe_ssl_earliest_cert_expiry",
    ),
    Metric(
        name="cert_chain_expiry",
        unit=Unit.TIMESTAMP,
        help="Earliest expiry in the chain that was verified, in unix time.",
        prometheus_name="probe_ssl_last_chain_expiry_timestamp_seconds",
    ),
    *(
        Metric(
            name=f"cert_{what}",
            unit=Unit.TEXT,
            help="Facts of the leaf certificate of the last hop.",
            type=str,
            prometheus_name=_CHAIN_METRIC,
            info_label=label,
        )
        for what, label in (("subject", "subject"), ("issuer", "issuer"), ("fingerprint", "fingerprint_sha256"))
    ),
    Metric(
        name="tls_version",
        unit=Unit.TEXT,
        help="TLS version of the last hop.",
        type=str,
        prometheus_name="probe_tls_version_info",
        info_label="version",
    ),
    Metric(name="address", unit=Unit.TEXT, help="IP address that the last hop was sent to.", type=str),
    Metric(
        name="references",
        unit=Unit.TEXT,
        help="Results of the reference checks made for this failure.",
        type=str,
    ),
    Metric(name="final_url", unit=Unit.TEXT, help="URL of the last hop, without query.", type=str),
)
