"""The metrics of the HTTP kinds, each declared once, with the name of blackbox_exporter where it has one."""

from __future__ import annotations

from probes.metric import Metric, Unit

_PHASES = "probe_http_duration_seconds"
_OWN_PHASES = "portal_monitor_http_phase_seconds"
_FAMILIES = {family: {"family": f"ipv{family}"} for family in (4, 6)}


def _phase_metric(name: str, description: str, prometheus_name: str = _PHASES) -> Metric:
    help_text = f"Time {description}, summed over all hops."
    return Metric(f"{name}_seconds", Unit.SECONDS, help_text, float, prometheus_name, {"phase": name})


def _certificate_metric(name: str, info_label: str) -> Metric:
    help_text = "Facts of the leaf certificate of the last hop."
    return Metric(f"cert_{name}", Unit.TEXT, help_text, str, "probe_ssl_last_chain_info", info_label=info_label)


HTTP_METRICS: tuple[Metric, ...] = (
    _phase_metric("resolve", "to resolve the name"),
    _phase_metric("connect", "to open the TCP connection"),
    _phase_metric("tls", "for the TLS handshake"),
    _phase_metric("send", "of our own, to open the socket and to write the request", _OWN_PHASES),
    _phase_metric("wait", "from the written request to the first byte of the response", _OWN_PHASES),
    Metric(
        "processing_seconds", Unit.SECONDS,
        "Time of our own until the request is written, and until the first byte, summed over all hops.",
        float, _PHASES, {"phase": "processing"}, sum_of=("send_seconds", "wait_seconds"),
    ),
    _phase_metric("transfer", "from the first byte of the response to its last"),
    Metric(
        "first_resolve_seconds", Unit.SECONDS, "Time to resolve the name of the first hop.",
        float, "probe_dns_lookup_time_seconds",
    ),
    Metric("status", Unit.CODE, "HTTP status code of the last hop.", int, "probe_http_status_code"),
    Metric("http_version", Unit.CODE, "HTTP version of the last hop.", float, "probe_http_version"),
    Metric("redirects", Unit.COUNT, "Number of redirects followed.", int, "probe_http_redirects"),
    Metric("ssl", Unit.FLAG, "Whether the last hop used TLS.", bool, "probe_http_ssl"),
    Metric(
        "content_length", Unit.BYTES, "Length that the last hop's response announced in its header.",
        int, "probe_http_content_length",
    ),
    Metric(
        "bytes_body", Unit.BYTES, "Length of the last hop's body after decoding.",
        int, "probe_http_uncompressed_body_length",
    ),
    Metric(
        "bytes_wire", Unit.BYTES,
        "Bytes of responses received, headers and encoded bodies of all hops, without TLS framing.",
        int, "portal_monitor_http_received_bytes",
    ),
    Metric("ip_family", Unit.CODE, "IP version of the fetch that gave the phases, 4 or 6.", int, "probe_ip_protocol"),
    *(
        Metric(
            f"ipv{family}_success", Unit.FLAG, "Whether the probe succeeded over each address family.",
            bool, "portal_monitor_family_success", labels,
        )
        for family, labels in _FAMILIES.items()
    ),
    *(
        Metric(
            f"ipv{family}_seconds", Unit.SECONDS, "Duration of the probe over each address family.",
            float, "portal_monitor_family_duration_seconds", labels,
        )
        for family, labels in _FAMILIES.items()
    ),
    Metric(
        "cert_leaf_expiry", Unit.TIMESTAMP, "Expiry of the leaf certificate of the last hop, in unix time.",
        float, "portal_monitor_certificate_leaf_expiry_timestamp_seconds",
    ),
    Metric(
        "cert_earliest_expiry", Unit.TIMESTAMP,
        "Earliest expiry among the certificates that the last hop presented, in unix time.",
        float, "probe_ssl_earliest_cert_expiry",
    ),
    Metric(
        "cert_chain_expiry", Unit.TIMESTAMP, "Earliest expiry in the chain that was verified, in unix time.",
        float, "probe_ssl_last_chain_expiry_timestamp_seconds",
    ),
    _certificate_metric("subject", "subject"),
    _certificate_metric("issuer", "issuer"),
    _certificate_metric("fingerprint", "fingerprint_sha256"),
    Metric(
        "tls_version", Unit.TEXT, "TLS version of the last hop.", str, "probe_tls_version_info", info_label="version"
    ),
    Metric("address", Unit.TEXT, "IP address that the last hop was sent to.", str),
    Metric("references", Unit.TEXT, "Results of the reference checks made for this failure.", str),
    Metric("final_url", Unit.TEXT, "URL of the last hop, without query.", str),
)  # fmt: skip
