"""Writes MAPPING.json from section 10 of the glossary.  Edit here and run again, or edit MAPPING.json itself."""

import json
from pathlib import Path

# Steps between a key and the keys below it in JSON Schemas, defaults and lists.
BETWEEN = r"(?:/properties|/default|/items|/anyOf/\d+|/oneOf/\d+|/additionalProperties|/\d+)*"


def key(old, new, where=None):
    return {"key": old, "to": new} | ({"where": where} if where else {})


def value(old, new, keys=(), where=None):
    found = {"value": old, "to": new} | ({"key": keys if isinstance(keys, str) else list(keys)} if keys else {})
    return found | ({"where": where} if where else {})


# ------------------------------------------------------------------ configuration

CONFIG = [  # (key above, "" for the top of monitor.yaml; now; new)
    ("", "lanes", "concurrency"), ("lanes", "light", "http"), ("lanes", "render", "browser"),
    ("", "sight", "self_check"), ("sight", "breaker", "fleet_breaker"), ("sight", "machine", "host"),
    ("machine", "lag", "max_loop_lag"), ("machine", "load", "max_load_per_cpu"), ("machine", "step", "max_clock_step"),
    ("confirm", "after", "delays"),
    ("states", "down_looks", "down_attempts"), ("states", "down_after", "down_slots"), ("states", "up_after", "up_slots"),
    ("degraded", "after", "consecutive"),
    ("maintenance", "starts", "start"), ("maintenance", "ends", "end"), ("maintenance", "at", "start_time"), ("maintenance", "lasts", "duration"),
    ("windows", "opens", "start"), ("windows", "closes", "end"),
    ("", "render", "browser"), ("render", "chromium", "executable"), ("render", "memory", "min_free_memory"), ("render", "loads", "max_loads"),
    ("render", "least_speed", "min_speed_ratio"), ("render", "reach", "allowed_networks"), ("render", "evidence", "screenshots"),
    ("evidence", "days", "retention"), ("evidence", "limit", "max_bytes"),
    ("journal", "commit_every", "commit_interval"), ("journal", "limit", "max_size"),
    ("archive", "hot", "keep_in_journal"), ("archive", "keep", "retention"),
    ("scores", "every", "interval"), ("heartbeat", "every", "interval"),
    ("web", "connections", "max_connections"), ("web", "per_address", "max_connections_per_client"),
    ("influxdb", "keep", "retention"),
    ("notify", "group_within", "group_wait"), ("notify", "reminders", "repeat_interval"), ("notify", "shared_within", "correlation_window"), ("notify", "page_url", "external_url"),
    ("alertmanager", "resend", "resend_delay"),
]  # fmt: skip
ANYWHERE = [("largest", "max_page_bytes"), ("body_lacks", "body_not_matches"), ("certificate_days", "min_certificate_days")]


def config():
    keys, required = [], []
    for above, old, new in CONFIG:
        start = rf"/{above}{BETWEEN}" if above else rf"^(?:/monitor)?{BETWEEN}"
        keys.append(key(old, new, rf"{start}/{old}(?:/| = )"))
        if above == "windows":  # only these have no default, and are listed as required
            required.append(value(old, new, "required", rf'{start}/required/- = "{old}"'))
    keys += [key(old, new, rf"^(?!.*degraded/).*/{old}(?:/| = )") for old, new in ANYWHERE]  # states.degraded.certificate_days stays
    # lateness: {grace} has become one key, misfire_grace_time.
    grace = [
        [r"^((?:/monitor)?)/lateness/grace = ", r"\1/misfire_grace_time = "],
        [r"^/properties/lateness/properties/grace/", "/properties/misfire_grace_time/"],
        {"drop": r"^/properties/lateness/(?!properties/grace/)"},
    ]
    # Values of "required" are looked at before the keys above them change their names.
    # screenshots: a number of days has become a duration.
    days = [
        [r"^((?:/monitor)?/render/evidence/days) = 100$", r"\1 = 8640000.0"],
        [r'^(/render/evidence/days) = "(\d+)"$', r'\1 = "\2d"'],
        [r"^(/properties/render/\S*/?days(?:/default)?) = 100$", r"\1 = 8640000.0"],
        {"drop": r"^/properties/(render/properties/evidence/properties/days|browser/properties/screenshots/properties/retention)/(?!default|title|description)", "side": "both"},
    ]
    grace.append({"drop": r"^~ model\tLateness$"})
    return [*grace, *days, *required, *keys]


# ----------------------------------------------------------------------- metrics

METRICS = {
    "looks_total": "probes_total", "voids_total": "unknown_results_total", "void_info": "unknown_info", "running_looks": "probes_in_flight",
    "last_look_timestamp_seconds": "last_probe_timestamp_seconds", "planned_checks": "scheduled_checks",
    "start_lateness_seconds": "probe_start_delay_seconds", "prober_blind": "self_check_success",
    "journal_limit_used_ratio": "journal_size_limit_ratio", "journal_waiting_records": "journal_pending_records",
    "archive_held_back": "journal_trim_blocked", "scoring_cost_seconds": "scoring_last_run_cpu_seconds",
    "outbox_waiting_messages": "outbox_pending_messages", "outbox_oldest_seconds": "outbox_oldest_message_age_seconds",
    "sink_points_written_total": "sink_records_written_total",
}  # fmt: skip
ALERTS = {
    "ProberBlind": "ProberSelfCheckFailing", "ProberGone": "ProberDown", "ProberStopped": "ProberNotProbing", "PortalNotSeen": "PortalStateUnknown",
    "CourierBehind": "SinkLagging", "CourierQuarantine": "SinkRecordsQuarantined", "ArchiveHeldBack": "JournalTrimBlocked",
    "AlertmanagerGone": "AlertmanagerUnreachable",
}  # fmt: skip
metrics = [
    [r"\bportal_monitor_start_lateness_seconds(_bucket|_sum|_count)?\b", r"portal_monitor_probe_start_delay_seconds\1"],
    *([rf"\bportal_monitor_{old}\b", f"portal_monitor_{new}"] for old, new in METRICS.items() if old != "start_lateness_seconds"),
    [r"\bportal:portal_monitor_judged:", "portal:portal_monitor_evaluated:"],
]
samples = [
    {"invert": r"^portal_monitor_self_check_success\b"},
    [r'\bfate="', 'status="'],
    [r'\boutcome="void"', 'outcome="unknown"'],
    [r'^(portal_monitor_unknown_(?:info|results_total)\{.*\breason=")blind"', r'\1self_check"'],
    [r'^((?:portal_monitor_unknown_(?:info|results_total)|probe_failure_info)\{.*\breason=")prober"', r'\1internal_error"'],
    [r'^(portal_monitor_incidents_open\{kind=")blind"', r'\1prober"'],
    [r'^(portal_monitor_sink_failures_total\{failure=")passing"', r'\1temporary"'],
    [r'^(portal_monitor_sink_failures_total\{failure=")refused"', r'\1unavailable"'],
    [r'\b(portal|group)="void"', r'\1="unknown"'], [r'"https://void\.example', '"https://unknown.example'],  # a portal of the scene
]
queries = [
    [r'(portal_monitor_unknown_results_total\{[^}]*reason=~?\\"(?:[a-z]+\|)*)blind\b', r"\1self_check"],
    [r'(portal_monitor_unknown_results_total\{[^}]*reason=~?\\"(?:[a-z]+\|)*)prober\b', r"\1internal_error"],
    [r'outcome=(~?)\\"void\\"', r'outcome=\1\\"unknown\\"'],
    # Texts by which fields are found; their legends are prose, compared by eye.
    [r'(/matcher/options = )"Address"', r'\1"URL"'], [r'(/matcher/options = )"Not seen"', r'\1"Unknown"'],
    [r'(/matcher/options = )"Không nhìn thấy"', r'\1"Không đo được"'],
]
alerts = [[rf"\b{old}\b", new] for old, new in ALERTS.items()]

# ---------------------------------------------------------------------- database

RESULT = {"void": "unknown_reason", "lateness": "start_delay"}
TABLES = {"bookmark": "checkpoint", "sealed": "archive_file"}
COLUMNS = {  # table -> columns
    "bookmark": {"reader": "consumer", "memo": "state"},
    "outbox": {"fate": "status", "settled": "completed_at", "happened": "occurred_at"},
    "incident_event": {"step": "type", "tell": "notify"},
}
VALUES = [
    value("void", "unknown", ("outcome",)),
    value("blind", "self_check", ("unknown_reason",)),
    value("prober", "internal_error", ("unknown_reason", "fault")),
    value("blind", "prober", ("kind",)),
]
names = ("column", "columns", "name")
MEMORY = {"at": "changed_at", "base": "base_state", "proven": "ever_up", "clock": "latest_slot", "run": "run_length", "since": "run_since",
          "looks": "failed_attempts", "patient": "requires_down_slots", "voids": "unknown_slots", "blind_since": "unknown_since", "blind": "self_check_failed",
          "fell": "down_in_maintenance", "moves": "recent_changes", "marks": "conditions", "slots": "check_slots"}  # fmt: skip
PROBER = {"at": "changed_at", "blind": "failed_portals", "known": "known_portals", "since": "failing_since", "spell": "failed_attempts"}
checkpoints = [
    [r'("prober@[^"]*": \{)"at": (-?\d+), "blind": (\d+), "known": (\d+), "since": (\d+), "spell": (\d+)', r'\1"changed_at": \2, "failed_portals": \3, "known_portals": \4, "failing_since": \5, "failed_attempts": \6'],
    *([rf"^(/prober@[^/]*)/{old} = ", rf"\1/{new} = "] for old, new in PROBER.items()),
    *(key(old, new, r'"(?:reader|consumer)": "states"|^/portal-') for old, new in MEMORY.items()),
    *(key(old, new, r'"(?:reader|consumer)": "incidents"') for old, new in {"begun": "last_ids", "witnesses": "recent_attempts", "good": "good_slots", "heard": "references", "looks": "attempts"}.items()),
    *(key(old, new, r'"#": "incident_event"') for old, new in {"members": "portals", "ending": "end_reason", "went": "failing_since", "good": "last_good"}.items()),
]
database = [
    # Columns and tables are named as values in the schema's lines, and as keys in rows.
    *(value(old, new, names, rf'"#table": "{table}"') for table, columns in COLUMNS.items() for old, new in columns.items()),
    *(value(old, new, names, r'"#table": "look_|"#column"') for old, new in RESULT.items()),
    *(key(old, new, rf'"#": "{table}"') for table, columns in COLUMNS.items() for old, new in columns.items()),
    *(key(old, new, r'"#": "(look_|incident_event|bookmark)|"#": "archive/|"outcome": ') for old, new in RESULT.items()),
    key("looks", "attempts", r'"#": "incident_event"'),
    *VALUES,
    *(value(old, new, ("#", "#table")) for old, new in TABLES.items()),
    *([rf'("index": "(?:sqlite_autoindex_)?){old}_', rf"\1{new}_"] for old, new in TABLES.items()),
    [r"\bWHERE fate = 'waiting'", "WHERE status = 'waiting'"],
    [r'"look_(uptime|latency|mobile)', r'"measurement_\1'],
    [r'("#pragma": "user_version", "value": )1\b', r"\g<1>2"],  # intended: the journal's schema
    [r'("meta": "schema", "value": )"1"', r'\1"2"'],
    [r'"void VARCHAR"', '"unknown_reason VARCHAR"'],
    [r'"lateness DOUBLE"', '"start_delay DOUBLE"'],
]
influx = [
    *([rf"([, ])void_{old}=(?=\d+i)", rf"\1unknown_{new}="] for old, new in {"blind": "self_check", "prober": "internal_error", "late": "late", "overlapped": "overlapped", "stopped": "stopped", "killed": "killed"}.items()),
    [r"(,up=\d+i,down=\d+i,)void=(?=\d+i)", r"\1unknown="],
    [r"(,slots=\d+i,)looks=(?=\d+i)", r"\1measured_slots="],
    [r"(,slots=\d+i,measured_slots=.*[, ])attempts=(?=\d+i)", r"\1confirmation_attempts="],
    [r',void="', ',unknown_reason="'],
    [r"\blateness=", "start_delay="],
    [r'\boutcome="void"', 'outcome="unknown"'],
    [r'\bunknown_reason="blind"', 'unknown_reason="self_check"'],
    [r'\b(unknown_reason|fault)="prober"', r'\1="internal_error"'],
]
ROLLUP = {"looks": "measured_slots", "attempts": "confirmation_attempts", "void": "unknown", "void_blind": "unknown_self_check", "void_prober": "unknown_internal_error",
          "void_late": "unknown_late", "void_overlapped": "unknown_overlapped", "void_stopped": "unknown_stopped", "void_killed": "unknown_killed"}  # fmt: skip
fields = [*(key(old, new, "^/rollup") for old, new in ROLLUP.items()), *(key(old, new, r"^/(?!rollup)") for old, new in RESULT.items())]

# -------------------------------------------------------------- scores and rubrics

scores = [
    # Values before keys: paths are those of before.
    value("unknown", "state_unknown", ("why", "enum"), r"/left_out/.*why"),
    value("void", "unknown", ("why", "enum"), r"/left_out/.*why"),
    value("prober", "internal_error", ("enum", "fault"), r"/fault/"),
    value("elsewhere", "substitute", ("redirects", "retired", "unranked", "enum")),
    *(value(old, new, "required") for old, new in {"floors": "minimums", "verdict": "status", "looked_at": "measured_portal", "word": "check_prefix"}.items()),
    value("why", "reason", "required", "/left_out/"),
    key("floors", "minimums"), key("verdict", "status"), key("looked_at", "measured_portal"), key("word", "check_prefix", "/selection/"), key("why", "reason", "/left_out/"),
    *(value(old, new, "required") for old, new in {"looks": "attempts", "standing": "status", "left_out": "excluded", "by_hand": "manual", "elsewhere": "substitute", "least": "min"}.items()),
    key("looks", "attempts"), key("least_looks", "min_attempts"), key("by_hand", "manual"), key("elsewhere", "substitute"), key("least", "min"),
    key("standing", "status"), key("left_out", "excluded"),
]  # fmt: skip

# ----------------------------------------------------------------------- API, log

API = {"last_look": "latest", "void": "unknown_reason", "lateness": "start_delay", "told": "notified", "fate": "status", "settled": "completed_at", "looks": "attempts", "ending": "end_reason", "step": "type"}
api = [
    *(value(old, new, "required") for old, new in API.items()),
    value("void", "unknown", ("outcome", "enum"), r"/outcome\b"),
    value("blind", "self_check", ("void", "enum"), r"/void\b"),
    value("prober", "internal_error", ("void", "fault", "enum"), r"/(void|fault)\b"),
    value("blind", "prober", ("kind", "enum"), r"/kind\b"),
    *(key(old, new) for old, new in API.items()),
]  # fmt: skip
EVENTS = {
    "absence_recorded": "missed_slots_recorded", "journal_cannot_remember": "journal_write_failed", "journal_remembers_again": "journal_write_recovered",
    "target_does_not_accept": "notification_failed", "target_accepts_again": "notification_recovered", "notified": "notification_sent",
    "portal_turned": "demo_portal_changed", "note_cannot_be_read": "note_invalid",
    "measure_bug": "measure_internal_error", "probe_bug": "probe_internal_error", "journal_bug": "journal_internal_error",
    "render_without_fence": "browser_egress_unfiltered", "render_without_sandbox": "browser_sandbox_disabled",
    "data_open_to_others": "data_dir_world_readable", "web_open_to_others": "web_unauthenticated",
    "sink_refuses": "sink_misconfigured", "config_complaint": "config_error",
    "alertmanager_does_not_accept": "alertmanager_post_failed", "alertmanager_accepts_again": "alertmanager_recovered", "archive_file_adopted": "archive_file_recovered",
    "daemon_died": "daemon_failed", "data_made_private": "data_dir_permissions_restricted", "evidence_not_kept": "screenshots_not_saved",
    "heartbeat_accepted_again": "heartbeat_recovered", "inbox_cannot_be_used": "inbox_unusable", "incident_noted": "note_imported", "journal_space": "journal_size_limit",
    "parent_gone": "parent_exited", "render_processes_remain": "browser_processes_remain", "render_unavailable": "browser_unavailable", "sealed": "archive_file_sealed",
    "sink_unavailable": "sink_write_failed", "web_cannot_accept": "web_accept_failed", "web_certificate_not_renewed": "web_certificate_reload_failed",
}  # fmt: skip
log = [
    *(value(old, new, "event") for old, new in EVENTS.items()),
    [r'("event": "\w+)_works_again"', r'\1_recovered"'],
    *([rf'"keys": {old}', f'"keys": {new}'] for old, new in {
        r'\["reason", "waiting"\]': '["pending", "reason"]', r'\["reason", "sink", "waiting"\]': '["pending", "reason", "sink"]', r'\["sink", "waiting"\]': '["pending", "sink"]',
        r'\["waiting"\]': '["pending"]', r'\["limit_bytes", "tight", "used_bytes"\]': '["**", "near_limit"]', r'\["after", "before", "path"\]': '["**", "path"]',
        r'\["address", "checks", "portals"\]': '["checks", "portals", "url"]', r'\["complaint"\]': '["error"]', r'\["running_looks"\]': '["probes_in_flight"]',
        r'\["files", "keep_days"\]': '["files", "retention_days"]', r'\["incident", "kind", "portal", "portals", "step"\]': '["incident", "kind", "portal", "portals", "type"]',
        r'\["renderer"\]': '["worker_pid"]', r'\["scratch"\]': '["temp_dir"]'}.items()),
]

CLASSES = {"looks": "attempts", "said": "entries", "took": "duration", "made": "page-info", "ways": "links", "verdict": "status-summary", "strip": "timeline", "turns": "state-changes",
           "member": "affected-portal", "c-look": "c-last-probe", "c-took": "c-duration", "hops-said": "hop-list", "film": "filmstrip",
           "before": "previous-level", "past": "previous", "sheet": "rubric-section", "course": "trend", "standing": "score-bar"}  # fmt: skip
html = [
    [r"^(  tr@class=)void$", r"\1unknown"],
    *([rf"^(  \w+@class=(?:\S+ )*){old}(?= |$)", rf"\1{new}"] for old, new in CLASSES.items()),
    *([rf"^(style: (?:.*[ ,])?)\.{old}(?=[ ,{{])", rf"\1.{new}"] for old, new in CLASSES.items() if old in {"film", "before", "past"}),
    [r"^(  details@id=)looks-", r"\1attempts-"], [r"^(  symbol@id=i-)blind$", r"\1prober"], [r"/static/film\.css", "/static/filmstrip.css"],
    [r"^(  (?:h2@id|section@aria-labelledby)=)film$", r"\1filmstrip"],
]
xlsx = [{"drop": r"^  row@(ht|customHeight)=", "side": "both"}]  # from the length of texts
paths = [[r"^config/good/same-address\.flat$", "config/good/same-url.flat"]]
bad = [[r"^~ rubric-elsewhere ", "~ rubric-without-substitute "]]  # a folder of the tests
demo = [*(value(old, new, ("drawn", "temperament")) for old, new in {"guarded": "firewalled", "sloppy": "wrong_body"}.items())]
statuses = [[r'"path": "/evidence/', '"path": "/screenshots/']]

GROUPS = {
    "config": config(), "metrics": metrics, "samples": samples, "queries": queries, "alerts": alerts, "database": database, "influx": influx,
    "fields": fields, "html": html, "xlsx": xlsx, "bad": bad, "demo": demo, "statuses": statuses, "checkpoints": checkpoints, "scores": scores, "api": api, "log": log,
    "sizes": [{"drop": r"^/files/\d+/size = ", "side": "both"}],
}  # fmt: skip
RECORDINGS = [
    {"match": r"^exposition/|\.prom$", "groups": ["metrics", "samples"]},
    {"match": r"^dashboards/", "groups": ["metrics", "queries", "alerts"]},
    {"match": r"^shipped/.*(prometheus|alertmanager|grafana)", "groups": ["metrics", "queries", "alerts"]},
    {"match": r"^shipped/(config/(monitor|portals|essential|compose)|docker|\.env)", "groups": ["config"]},
    {"match": r"^shipped/config/(rubrics|systemd)|^schema/(rubric|exclusions|entries|export)", "groups": ["scores"]},
    {"match": r"^config/|^schema/(monitor|portals)", "groups": ["config"]},
    {"match": r"^(score|export)/.*\.flat$", "groups": ["scores"]},
    {"match": r"manifest.*\.flat$", "groups": ["sizes"]},
    {"match": r"^journal/", "groups": ["checkpoints"]},
    {"match": r"^(journal|history|archive)/", "groups": ["database"]},
    {"match": r"\.html\.tokens$", "groups": ["html"]}, {"match": r"\.xlsx\.xml$", "groups": ["xlsx"]}, {"match": r"^config/bad", "groups": ["bad"]},
    {"match": r"^demo/", "groups": ["demo"]}, {"match": r"^web/statuses", "groups": ["statuses"]},
    {"match": r"^influx/.*\.lines$", "groups": ["influx"]},
    {"match": r"^influx/fields", "groups": ["fields"]},
    {"match": r"^api/", "groups": ["api"]},
    {"match": r"^notify/alertmanager", "groups": ["alerts"]},
    {"match": r"^log/", "groups": ["log"]},
]
PROSE = [
    {"match": r"^(api/openapi|schema/)", "lines": r"/(description|title|summary)(/\d+)? = "},
    {"match": r"^api/", "lines": r"/(error|detail|reason)(/\d+)? = |/references/\d+ = ", "numbers": True},
    {"match": r"^dashboards/", "lines": r"/(title|description|content|displayName|legendFormat|label)(/\d+)? = |/annotations/list/\d+/(name|titleFormat) = |/noValue = |/options/[^/]+/text = |/(renameByName|valueLabel)/[^/]+ = "},
    {"match": r"^shipped/.*(rules|alertmanager)", "lines": r"/annotations/(summary|description)\S* = "},
    {"match": r"^(score|export|shipped|schema)/", "lines": r"/(title|sentence|note|name|word|reason|why)/(vi|en) = |/text/(vi|en) = ", "numbers": True},
    {"match": r"^(score|export)/", "lines": r"^/exclusions/\d+/reason = "},
    {"match": r"^(score|export|shipped/config/rubrics)", "lines": r"/criteria/\d+/source = ", "numbers": True},
    {"match": r"^shipped/config/compose", "lines": r"/environment/PORTAL_MONITOR_LOCATION = "},
    {"match": r"^config/", "lines": r"/warnings/\d+ = "},
    {"match": r"^notify/alertmanager", "lines": r"/annotations/(summary|description|shared) = ", "numbers": True},
    {"match": r"^(journal|archive|history)/", "keys": ["detail", "references", "heard"]},
    {"match": r"^influx/.*\.lines$", "inline": r'\b(?:detail|references)="((?:[^"\\]|\\.)*)"'},
]

if __name__ == "__main__":
    told = {
        "about": "Ordered rules from BEFORE to AFTER; see Rule in before_after.py. Paths: renames of recording files.",
        "paths": paths, "groups": GROUPS, "recordings": RECORDINGS, "prose": PROSE,
    }  # fmt: skip
    Path(__file__).with_name("MAPPING.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
