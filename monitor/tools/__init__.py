"""Programs beside the daemon: dashboards as code, the demo fleet."""
