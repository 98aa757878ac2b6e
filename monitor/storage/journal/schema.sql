-- The tables of the journal that do not depend on probe kinds. One table per record type, one sequence over all.
CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- The last sequence number, so that numbers stay unique after old rows have left for the archive.
CREATE TABLE IF NOT EXISTS sequence (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last INTEGER NOT NULL
);
INSERT OR IGNORE INTO sequence (id, last) VALUES (1, 0);

-- The position of each consumer, and the state that belongs to it.
CREATE TABLE IF NOT EXISTS checkpoint (
    consumer TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS state_change (
    seq INTEGER PRIMARY KEY,
    portal TEXT NOT NULL,
    location TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    previous TEXT NOT NULL,
    flapping INTEGER NOT NULL,
    fault TEXT,
    detail TEXT NOT NULL,
    cause INTEGER NOT NULL,
    UNIQUE (portal, location, at, state)
);
CREATE INDEX IF NOT EXISTS state_change_at ON state_change (at);

-- Records that a sink rejects, with its error message. They stay in their own tables as well; record is their
-- sequence number there, 0 for computed values, which the journal does not store.
CREATE TABLE IF NOT EXISTS quarantine (
    sink TEXT NOT NULL,
    record INTEGER NOT NULL,
    identity TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (sink, identity)
) WITHOUT ROWID;

-- The archive's catalog: one row per sealed file; monitor/storage/archive/catalog.py describes the columns.
CREATE TABLE IF NOT EXISTS archive_file (
    path TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    day TEXT NOT NULL,
    number INTEGER NOT NULL,
    late INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    through INTEGER NOT NULL,
    columns TEXT NOT NULL,
    zone TEXT NOT NULL,
    schema INTEGER NOT NULL,
    code TEXT NOT NULL,
    created INTEGER NOT NULL
);

-- Events of incidents; body is the incident after the event, as JSON.
CREATE TABLE IF NOT EXISTS incident_event (
    seq INTEGER PRIMARY KEY,
    incident TEXT NOT NULL,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    portal TEXT NOT NULL,
    at INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    notify INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (incident, number)
);
CREATE INDEX IF NOT EXISTS incident_event_portal ON incident_event (portal);

-- Notes of operators about incidents.
CREATE TABLE IF NOT EXISTS incident_note (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    incident TEXT NOT NULL,
    kind TEXT NOT NULL,
    "by" TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS incident_note_incident ON incident_note (incident);

-- Notifications: stored together with their event, completed when a target has accepted them.
CREATE TABLE IF NOT EXISTS outbox (
    incident TEXT NOT NULL,
    number INTEGER NOT NULL,
    target TEXT NOT NULL,
    reminder INTEGER NOT NULL,
    severity TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    created INTEGER NOT NULL,
    status TEXT NOT NULL,
    completed_at INTEGER,
    PRIMARY KEY (incident, number, target, reminder)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (target, created) WHERE status = 'waiting';
