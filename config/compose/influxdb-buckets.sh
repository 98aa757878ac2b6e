#!/bin/sh
# Run once by the image of InfluxDB at its first start: the two buckets beside the first one, kept as long as
# `portal-monitor influx init` would.
set -eu

influx bucket create --org "$DOCKER_INFLUXDB_INIT_ORG" --name portal_monitor_hourly --retention 17520h
influx bucket create --org "$DOCKER_INFLUXDB_INIT_ORG" --name portal_monitor_daily --retention 0
