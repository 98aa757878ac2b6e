# The daemon in a container, in two sizes:
#
#   docker build --target slim    -t portal-monitor .            uptime and latency
#   docker build --target browser -t portal-monitor:browser .    with Chromium, for the mobile checks
#
# It runs as user 10001 without any privilege, writes to /var/lib/portal-monitor and /tmp alone (so the root may be
# read-only), and reads its configuration from /etc/portal-monitor.

# Debian 13 for its OpenSSL 3.5, whose handshakes take a third less of the processor than 3.0's (docs/connection.md).
ARG PYTHON=3.13.9-slim-trixie

FROM python:${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY .ci/locks .ci/locks
COPY config config
COPY grafana grafana
COPY probes probes
COPY monitor monitor
# Every package by its digest; what builds the wheel stays in a separate environment.
RUN python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes -r .ci/locks/build.txt \
    && /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
    && python -m venv /opt/portal-monitor \
    && /opt/portal-monitor/bin/python -m pip install --no-cache-dir --require-hashes -r .ci/locks/run.txt \
    && /opt/portal-monitor/bin/python -m pip install --no-cache-dir --no-deps --no-index /wheel/*.whl

FROM build AS build-browser
RUN /opt/portal-monitor/bin/python -m pip install --no-cache-dir --require-hashes -r .ci/locks/render.txt

FROM python:${PYTHON} AS slim
LABEL org.opencontainers.image.title="portal-monitor" \
      org.opencontainers.image.description="Synthetic monitor of Vietnamese public-service portals" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tini \
    && rm -rf /var/lib/apt/lists/* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
RUN groupadd --gid 10001 portal-monitor \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/portal-monitor --shell /usr/sbin/nologin portal-monitor \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/portal-monitor
COPY --from=build /opt/portal-monitor /opt/portal-monitor
COPY config /etc/portal-monitor
ENV PATH=/opt/portal-monitor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORTAL_MONITOR_LISTEN=0.0.0.0:9797
USER 10001:10001
WORKDIR /var/lib/portal-monitor
VOLUME /var/lib/portal-monitor
EXPOSE 9797
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 CMD ["portal-monitor", "healthcheck"]
# SIGTERM reaches the daemon, which ends its probes and closes its journal within ten seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "portal-monitor"]
CMD ["run", "--config", "/etc/portal-monitor", "--data", "/var/lib/portal-monitor"]

FROM slim AS browser
USER root
# Fonts for the languages of all portals, so that text is as wide here as on a phone.
RUN apt-get update \
    && apt-get install -y --no-install-recommends chromium fonts-noto-core \
    && rm -rf /var/lib/apt/lists/* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build-browser /opt/portal-monitor /opt/portal-monitor
# Chromium writes files beside its profiles in the home directory, which may be read-only.
ENV PORTAL_MONITOR_CHROMIUM=/usr/bin/chromium \
    XDG_CONFIG_HOME=/tmp \
    XDG_CACHE_HOME=/tmp
USER 10001:10001
