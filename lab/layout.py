"""layout.py: which figures make which table of the report, in which order and under which heading."""


class Part:
    """A table of the report. steps: only of those whose ids begin so. columns: (figure, heading).
    who: the key of a figure's "of" that says whose it is, where it is no peer; other keys tell rows apart, but for across,
    which tells columns apart. drawn: figures that are drawn as bars too."""

    def __init__(self, title, columns, first="server", about="", steps="", across="", drawn=(), who=""):
        self.title, self.first, self.about, self.steps, self.across = title, first, about, steps, across
        self.names = [name for name, _ in columns]
        self.headings = dict(columns)
        self.drawn, self.who = set(drawn), who

    def column_of(self, figure):
        if figure["name"] not in self.headings:
            return None
        if not self.across:
            return figure["name"], ""
        value = figure.get("of", {}).get(self.across)
        return None if value is None else (figure["name"], value)

    def row_of(self, figure):
        of = figure.get("of", {})
        return tuple(of[key] for key in sorted(of) if key not in ("peer", self.who, self.across))

    def columns_in_order(self, cells):
        there = {column for cell in cells.values() for column in cell}
        return sorted(there, key=lambda c: (self.names.index(c[0]), isinstance(c[1], str), c[1]))

    def heading(self, column):
        name, value = column
        if not self.across:
            return self.headings[name]
        return f"{self.headings[name]} {value}".strip()

    def is_drawn(self, column):
        return column[0] in self.drawn

    # A drawing has one unit for all its bars: that in which the middle one reads best.
    def unit(self, column, rows):
        return next(cell[column]["unit"] for _, cell in rows if column in cell)

    @staticmethod
    def scaled(_, value):
        return value


SPEED_COLUMNS = [
    ("cpu_per_request", "processor time"), ("cpu_of_leat", "of Leat's"), ("requests_per_second", "requests/s"),
    ("latency_p50", "p50"), ("latency_p90", "p90"), ("latency_p99", "p99"), ("latency_p999", "p99.9"),
    ("latency_p9999", "p99.99"), ("latency_max", "longest"), ("missed", "missed"), ("errors", "errors"),
    ("resident", "resident")]
SPEED_DRAWN = ("cpu_per_request", "latency_p99")


def speed(title, steps, about=""):
    return Part(title, SPEED_COLUMNS, about=about, steps=steps, drawn=SPEED_DRAWN)


LATENCY_COLUMNS = [("latency_p50", "p50"), ("latency_p90", "p90"), ("latency_p99", "p99"), ("latency_p999", "p99.9"),
                   ("latency_max", "longest"), ("errors", "errors"), ("client_lateness_p99", "the client's own p99")]


def latency(title, steps, about):
    beside = [("latency_p50_of_api", "p50 of api's"), ("latency_p99_of_api", "p99 of api's")]
    return Part(title, LATENCY_COLUMNS + beside, first="profile", about=about, steps=steps, who="profile",
                drawn=("latency_p50", "latency_p99"))


PARTS = {
    "memory": [
        Part("Quiet connections", [
            ("base_pss", "at the start"), ("user_bytes_per_connection", "for a connection"),
            ("projected_bytes_at_a_million", "a million would take"), ("kernel_bytes_per_connection", "and in the kernel"),
            ("kernel_bytes_of_waiting", "of that, for waiting")], steps="quiet",
            about="Connections that have been answered once and are held. User memory of the server, and the kernel's.",
            drawn=("user_bytes_per_connection", "projected_bytes_at_a_million")),
        Part("A million, measured", [
            ("connections", "connections"), ("resident_in_all", "resident in all"),
            ("user_bytes_per_connection", "for a connection"), ("base_rss", "without them"),
            ("kernel_bytes_per_pair", "in the kernel, both ends"), ("resident_over_base_after", "afterwards over before")],
            steps="million", about="Descriptors of one process do not suffice for a million: Leat's shards have a table "
            "each. The others are projected above."),
        Part("After requests of all sizes", [
            ("resident_in_churn", "at its end"), ("resident_after_churn", "after rest"),
            ("resident_over_start", "over the start"), ("live_heap_after_churn", "of that, live"),
            ("resident_over_live", "over live"),
            ("resident_over_start_later", "over the start, later"), ("churn_errors", "errors")], steps="churn",
            about="Connections that come and go, uploads from 1 KiB to 1 MiB and answers beside them; then everything is "
            "closed. What has not come back is fragmentation, or kept.", drawn=("resident_over_start",)),
        Part("Pauses", [
            ("own_longest_pause", "by its own report"), ("collections", "collections"), ("own_pauses_in_all", "in all"),
            ("probe_p50", "prober, quiet: p50"), ("probe_p999", "p99.9"), ("probe_max", "longest"),
            ("churn_probe_p50", "in the churn: p50"), ("churn_probe_p999", "in the churn: p99.9"),
            ("churn_probe_max", "in the churn: longest"), ("churn_probe_errors", "errors")],
            about="What the server says itself, and what a steady prober sees from outside, with nothing else to do and "
            "while the requests of all sizes come. Client and server share two cores: the floors say how much of it is the "
            "machine's.", drawn=("churn_probe_p999", "churn_probe_max")),
        Part("Allocator calls", [
            ("allocations_at_start", "until the first answers"), ("allocations_per_request", "for a request"),
            ("frees_per_request", "freed for a request"), ("allocations_per_connection", "for a connection"),
            ("frees_per_connection", "freed for a connection"), ("allocations_in_all", "in all")], steps="calls",
            about="Calls of malloc and its like, or the runtime's own count."),
    ],
    "allocation": [
        Part("Allocating", [
            ("allocate_above_floor", "above the clock"), ("allocate_mean", "mean"), ("allocate_calm_mean", "calm mean"),
            ("allocate_p50", "p50"), ("allocate_p99", "p99"), ("allocate_p999", "p99.9"), ("allocate_max", "longest"),
            ("allocate_own_mean", "undisturbed: mean"), ("allocate_own_max", "longest"),
            ("failures", "failures"), ("allocations_per_request", "for a request"), ("bytes_per_request", "bytes")],
            about="One call that asks for memory, timed in the server under load. Undisturbed: nobody else ran on the core "
            "meanwhile.",
            drawn=("allocate_above_floor", "allocate_p99", "allocations_per_request")),
        Part("Giving back", [
            ("free_above_floor", "above the clock"), ("free_mean", "mean"), ("free_calm_mean", "calm mean"),
            ("free_p50", "p50"), ("free_p99", "p99"), ("free_p999", "p99.9"), ("free_max", "longest"),
            ("free_own_mean", "undisturbed: mean"), ("free_own_max", "longest"),
            ("frees_per_request", "for a request"), ("gc_pause_max", "longest pause of its collector")],
            drawn=("free_p99",)),
        Part("The clock's floor", [
            ("floor_mean", "mean"), ("floor_calm_mean", "calm mean"), ("floor_p50", "p50"), ("floor_p99", "p99"),
            ("floor_p999", "p99.9"), ("floor_max", "longest"), ("floor_own_mean", "undisturbed: mean"),
            ("floor_own_max", "longest"), ("empty_p50", "empty call: p50"), ("empty_p99", "p99"),
            ("empty_max", "longest")],
            about="Two readings of the clock with nothing between. Who is preempted between two readings waits for the "
            "scheduler: a longest time means nothing without this one."),
        Part("Which calls", [
            ("place_calls_per_request", "for a request"), ("place_calm_mean", "calm mean"), ("place_p99", "p99")],
            about="Each kind of call that was made."),
    ],
    "network": [
        Part("Bulk throughput", [
            ("throughput", "Gbit/s"), ("cpu_per_gb", "processor time for a GB"), ("cpu_of_nginx", "of nginx's"),
            ("cpu_of_iperf3", "of iperf3's"), ("throughput_of_nginx", "throughput of nginx's")], steps="bulk", who="server",
            about="One large file over loopback, by one connection and by four.", drawn=("cpu_per_gb",)),
        Part("The ways to send a file: the sender's processor time", [("cpu_per_transfer", "")], first="octets",
             steps="copies", who="size", across="way",
             about="copy: read, then send; mmap: mapped, sent, unmapped; memory: sent from a mapping that is kept. On "
             "loopback the kernel copies whatever is sent, so zerocopy can't show what it spares."),
        Part("From which size on it takes less", [
            ("cheaper_than_copy_from", "than read and send"), ("cheaper_than_memory_from", "than from memory")],
            first="way", steps="copies", who="way"),
        latency("Small messages on loopback", "latency-loopback", "Each TCP profile, at a constant rate."),
        latency("Small messages between two network namespaces", "latency-veth", "Across a veth pair."),
        latency("Small messages with loss and delay", "latency-lossy",
                "In a small virtual machine, whose kernel has netem: its processor is emulated and slow; vm-plain, "
                "without loss and delay, shows what that adds."),
    ],
    "speed": [
        speed("Plaintext", "plaintext", "One small request at a time on 64 kept connections; latency at 4,000 a second."),
        speed("Pipelined", "pipelined", "16 requests at a time on each of 64 connections."),
        speed("Short-lived connections", "short-lived", "A new connection for every ten requests; latency at 1,000 a second."),
        speed("JSON", "json", "Serialised at each request; latency at 4,000 a second."),
        speed("A file of 4 KiB", "small-file", "Latency at 4,000 a second."),
        speed("A file of 1 MiB", "large-file", "On 8 connections; latency at 100 a second."),
        speed("An upload of 1 MiB", "upload", "On 8 connections; latency at 100 a second."),
    ],
}


def parts(table):
    return PARTS.get(table, [])