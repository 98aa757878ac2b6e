"""Programs beside the daemon, which loads none of them: dashboards as code, the demo fleet."""
