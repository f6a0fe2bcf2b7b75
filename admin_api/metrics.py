"""What Prometheus is told about requests. Labels hold templates of routes, never ids, names or addresses."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("kleanxmpp_api_requests_total", "Requests answered by the API", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "kleanxmpp_api_request_seconds",
    "From a request's arrival to its answer; waiting that the caller asked for is included",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
CHAT_TABS = Gauge("kleanxmpp_chat_tabs", "Browsers that chat through this process at the moment")
