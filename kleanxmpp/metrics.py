"""What Prometheus is told. Labels hold kinds and outcomes, never people, groups or content."""

from prometheus_client import Counter, Gauge, Histogram

CHANGES = Counter("kleanxmpp_changes_total", "Changes applied to the server", ["change"])
SCOPES = Counter("kleanxmpp_scopes_total", "Scopes worked on", ["kind", "outcome"])
DRIFT = Counter("kleanxmpp_drift_total", "Scopes that a sweep found out of step", ["kind"])
OFFBOARDING_SECONDS = Histogram(
    "kleanxmpp_offboarding_seconds",
    "From the request to the proven end of an off-boarding",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 30, 300, 3600),
)
SWEEP_SECONDS = Gauge("kleanxmpp_sweep_seconds", "How long the last full sweep took")
LEFTOVERS = Counter("kleanxmpp_leftovers_total", "What sweeps found of people without access, by kind", ["kind"])
HELD_PEOPLE = Gauge("kleanxmpp_held_people", "People whose off-boarding waits for a confirmation; NaN: not known")
SCHEDULED = Counter("kleanxmpp_scheduled_changes_total", "Planned changes whose moment has come", ["outcome"])
HOOK_EVENTS = Counter(
    "kleanxmpp_hook_events_total", "Events that came in signed, or claimed to be", ["hook", "outcome"]
)
STRANGE_ROOMS = Gauge("kleanxmpp_strange_rooms", "Rooms on our service that the directory does not know")
SERVER_REACHABLE = Gauge("kleanxmpp_server_reachable", "Whether the XMPP server can be observed and changed")
FILES_REMOVED = Counter("kleanxmpp_files_removed_total", "Uploaded files and leftovers that retention removed", ["why"])
DOCTOR_LINES = Gauge(
    "kleanxmpp_doctor_lines", "Lines of the last checkup in this process; NaN: not known", ["company", "level"]
)
SOURCE_SILENT_SECONDS = Gauge(
    "kleanxmpp_source_silent_seconds", "Since a source of people was last heard of; NaN: never", ["company", "door"]
)
SOURCE_LATE = Gauge(
    "kleanxmpp_source_late", "1: a source of people was not heard of when it was expected", ["company", "door"]
)
EVENTS = Counter("kleanxmpp_events_total", "Events written for webhooks", ["type"])
DELIVERIES = Counter("kleanxmpp_deliveries_total", "Attempts to tell a webhook of an event", ["outcome"])
WEBHOOKS_DISABLED = Gauge("kleanxmpp_webhooks_disabled", "Webhooks that were disabled after failing; NaN: not known")
