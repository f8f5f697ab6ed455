#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py - the daemon beside the bare loops: the table of docs/performance.md.

    bench.py BUILDDIR [--rows tcp,http,...] [--runs 5] [--write FILE]

Each row runs the bare loop and the daemon in turn, on processor 0, their counterpart (a
listener, nginx, redis-server, a mock Kafka cluster) on processor 1.  What counts is the CPU
time of the process, in microseconds for one operation; what is printed is the median of
the runs (of all their turns, where both sides take turns of a second or two), and the median of
the ratios of neighbours, since these machines drift.
All traffic stays on 127.0.0.0/8.
"""
import argparse, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

DAEMON_CPU, OTHER_CPU = "0", "1"
TRIES = 6
TURNS = 5  # in a run whose sides take turns
REST = 3   # seconds after a turn that was disturbed: some hosts take back what was used
LOAD = 0.65  # of the runs per second that the bare loop makes: nothing may be late


def free_port(address="127.0.1.1"):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench.py: no {what} within {seconds} s")
        time.sleep(0.002)


def listens(port, address="127.0.0.1"):
    with socket.socket() as s:
        return s.connect_ex((address, port)) == 0


class Steal:
    """How much of the processors a virtual machine did not get: it counts as CPU time of
    whoever was running, so a figure that much of it is in is measured again."""

    def __init__(self):
        self.began, self.stolen = time.monotonic(), self.now()

    @staticmethod
    def now():
        with open("/proc/stat") as f:
            return int(f.readline().split()[8]) / os.sysconf("SC_CLK_TCK")

    def little(self):
        share = (self.now() - self.stolen) / (time.monotonic() - self.began) / os.cpu_count()
        if share > 0.02:
            print(f"# {share:.0%} of the processors were stolen", file=sys.stderr)
        return share <= 0.02


class Place:
    """A temporary folder and the processes that live in it."""

    def __init__(self, build):
        self.build = build
        self.path = tempfile.mkdtemp(prefix="sonde-bench.")
        self.running = []

    def file(self, name, text=""):
        path = os.path.join(self.path, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def tool(self, name):
        return os.path.join(self.build, "tests/bench", name)

    def start(self, *command, **more):
        process = subprocess.Popen(command, **more)
        self.running.append(process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.terminate()
            process.send_signal(signal.SIGCONT)  # it may be stopped
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.running:
            self.running.remove(process)

    def clear(self):
        for process in list(self.running):
            self.end(process)
        shutil.rmtree(self.path, ignore_errors=True)

    def bare(self, *arguments):
        """Runs a bare loop; its lines as numbers."""
        for _ in range(TRIES):
            steal = Steal()
            numbers = self.bare_once(arguments)
            if steal.little():
                break
        return numbers

    def bare_once(self, arguments):
        out = subprocess.run([self.tool(arguments[0]), *map(str, arguments[1:])],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
        return [[float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", line)]
                for line in out.splitlines()]


# ---- counterparts, on the other processor ----

def listener(place):
    port = free_port()
    process = place.start(place.tool("listener"), OTHER_CPU, str(port),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process, port


def nginx(place):
    port = free_port()
    conf = place.file("nginx.conf", f"""
daemon off; worker_processes 1; pid {place.path}/nginx.pid; error_log stderr crit;
events {{ worker_connections 8192; }}
http {{ access_log off; keepalive_timeout 0;
  client_body_temp_path {place.path}/b; proxy_temp_path {place.path}/p;
  fastcgi_temp_path {place.path}/f; uwsgi_temp_path {place.path}/u; scgi_temp_path {place.path}/s;
  server {{ listen {port} backlog=4096; location /ok {{ return 200 "ok"; }} }} }}
""")
    process = place.start("taskset", "-c", OTHER_CPU, shutil.which("nginx") or "/usr/sbin/nginx",
                          "-c", conf, "-p", place.path, "-e", "stderr")
    wait_for("nginx", lambda: listens(port))
    return process, port


def redis(place):
    port = free_port("127.0.0.1")
    process = place.start("taskset", "-c", OTHER_CPU, "redis-server", "--port", str(port),
                          "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                          "--dir", place.path, stdout=subprocess.DEVNULL)
    wait_for("redis-server", lambda: listens(port))
    return process, port


def kafka(place):
    """A mock cluster: limits of the client, not of a broker."""
    fifo = os.path.join(tempfile.mkdtemp(dir=place.path), "fifo")
    os.mkfifo(fifo)
    process = place.start("taskset", "-c", OTHER_CPU,
                          os.path.join(place.build, "tests/kafka/mockd"), fifo,
                          stdout=subprocess.PIPE, text=True)
    brokers = process.stdout.readline().strip()
    with open(fifo, "w") as f:
        f.write("topic bench 12\n")
    process.stdout.readline()
    return process, brokers


# ---- the daemon ----

class Daemon:
    def __init__(self, place, configuration):
        conf = place.file("bench.conf", configuration)
        self.place = place
        descriptor, self.log = tempfile.mkstemp(dir=place.path, suffix=".log")
        with open(descriptor, "w") as log:
            self.process = place.start(
                "taskset", "-c", DAEMON_CPU, os.path.join(place.build, "sonded"),
                "--plugin-dir", os.path.join(place.build, ".libs"),
                "--plugin-dir", os.path.join(place.build, "tests/plugins/.libs"),
                "-c", conf, stdout=subprocess.DEVNULL, stderr=log)
        wait_for("start of sonded", self.started, 60)

    def started(self):
        if self.process.poll() is not None:
            sys.exit(f"bench.py: sonded has ended:\n{self.text()}")
        return " sonded " in self.text()

    def text(self):
        with open(self.log) as f:
            return f.read()

    def cpu(self):
        """Nanoseconds of all its threads."""
        tasks, total = f"/proc/{self.process.pid}/task", 0
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        return total

    def counts(self):
        before = self.text().count("timeouts of our own")
        self.process.send_signal(signal.SIGUSR1)
        wait_for("counts", lambda: self.text().count("timeouts of our own") > before)
        text = self.text()
        runs = int(re.findall(r", runs (\d+)", text)[-1])
        delivered = {name: int(count) for name, count in re.findall(
            r'sink "(\w+)": accepted \d+ \+ restored \d+ = delivered (\d+)', text)}
        return runs, delivered

    def measure(self, seconds, sink=None):
        """CPU microseconds, runs and delivered events of so many seconds."""
        (runs, delivered), cpu = self.counts(), self.cpu()
        time.sleep(seconds)
        (after, arrived), spent = self.counts(), self.cpu() - cpu
        return (spent / 1e3, after - runs,
                arrived[sink] - delivered[sink] if sink else 0)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def turn(self, sink):
        """A second of it, otherwise stopped; what is overdue is done first."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        result = self.measure(1, sink)
        self.pause()
        return result

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) * 1024

    def end(self):
        self.place.end(self.process)


def checks(place, count, plugin, options, interval, sinks="", routes=""):
    """A configuration of count checks; {labels.address} is one of sixteen."""
    rows = "".join(f"c{i:06d},127.0.1.{1 + i % 16},{int(i < 100)}\n" for i in range(count))
    fleet = place.file("fleet.csv", "target,address,sampled\n" + rows)
    return f"""
daemon = {{ observer = "bench"; log = "info"; }};
targets = ( {{ name = "fleet"; file = "{fleet}"; }} );
checks = ( {{ name = "{{target}}"; plugin = "{plugin}"; {options}
  targets = ["fleet"]; interval = "{interval}"; timeout = "{interval}"; }} );
sinks = ( {sinks} {{ name = "bad"; plugin = "file"; path = "{place.path}/bad.jsonl"; }} );
routes = ( {routes} {{ name = "bad"; to = ["bad"];
  match = {{ kind = "result"; state = ["DOWN", "DEGRADED"]; }}; }} );
"""


def bad(place):
    """Runs that were not UP, of all daemons so far, and the last of them."""
    path = os.path.join(place.path, "bad.jsonl")
    if not os.path.exists(path):
        return 0, ""
    with open(path) as f:
        lines = [line for line in f if '"check":"observer:' not in line]
    return len(lines), "".join(lines[-1:])


def in_turns(turn):
    """turn() gives the limit, ours, and whether all went well; a turn is a second or two of
    each, so that what the machine does to one of them it most likely does to its neighbour
    too.  The pairs of TURNS turns that went well and had nothing stolen; where there are not
    so many, of all turns."""
    sound, doubtful = [], []
    while len(sound) < TURNS and len(sound) + len(doubtful) < 3 * TURNS:
        steal = Steal()
        limit, ours, good = turn()
        if steal.little() and good:
            sound.append((limit, ours))
            continue
        print(f"# doubtful: {ours:.3g} us, and bare {limit}", file=sys.stderr)
        doubtful.append((limit, ours))
        time.sleep(REST)
    if len(sound) < TURNS:
        print(f"# only {len(sound)} of {TURNS} turns were sound", file=sys.stderr)
    return sound if len(sound) == TURNS else sound + doubtful


def probing(place, configuration, bare):
    """CPU microseconds of a check that is UP, beside those that bare() gives."""
    daemon = Daemon(place, configuration)
    time.sleep(3)  # the first runs are spread over a second per thousand
    daemon.pause()

    def turn():
        limit = bare()
        before, _ = bad(place)
        cpu, done, _ = daemon.turn(None)
        wrong, example = bad(place)
        wrong -= before
        if wrong > done / 50:
            print(f"# {wrong} of {done} runs were not UP, as {example}", file=sys.stderr)
        return limit, cpu / done, wrong <= done / 50

    pairs = in_turns(turn)
    daemon.end()
    return pairs


# ---- the rows ----

class Row:
    def __init__(self, what, unit, bound=None, later=None, peer=""):
        self.what, self.unit, self.bound, self.later, self.peer = what, unit, bound, later, peer
        self.limits, self.ours = [], []

    def add(self, limit, ours):
        self.limits.append(limit)
        self.ours.append(ours)

    def ratio(self):
        return statistics.median(o / l for o, l in zip(self.ours, self.limits))

    def cells(self):
        def middle(values):
            return (f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
                    if len(values) > 1 else f"{values[0]:.3g}")
        ratio = f"{self.ratio():.2f}" if self.limits else ""
        kept = "" if self.bound is None else ("yes" if self.value() <= self.bound else "**no**")
        return [self.what, self.unit, middle(self.limits) if self.limits else "",
                middle(self.ours), ratio,
                "" if self.bound is None else f"{self.bound:g}" + (" x" if self.limits else ""),
                kept, self.later or "", self.peer]

    def value(self):
        return self.ratio() if self.limits else statistics.median(self.ours)


def tcp(place, runs):
    rows = []
    for mode, name, later, peer in (
            ("half", "TCP check, connect only (`handshake = \"half\"`)", "1.15 x", "HAProxy 21.2"),
            ("full", "TCP check, full handshake", "1.1 x", "monit 29")):
        row = Row(name, "CPU us", 1.25, later, peer)
        for _ in range(runs):
            target, port = listener(place)
            def bare(count=60000):
                return place.bare_once(("bare_tcp", mode, DAEMON_CPU, count, 64, port))[0]
            for limit, ours in probing(place, checks(
                    place, int(bare()[2] * LOAD * 0.02), "tcp",
                    f'address = "{{labels.address}}:{port}"; handshake = "{mode}";', "20ms"),
                    lambda: bare()[1]):
                row.add(limit, ours)
            place.end(target)
        rows.append(row)
    return rows


def http(place, runs):
    row = Row("HTTP check, new connection, beside libcurl", "CPU us", 1.1,
              "1.1 x raw (33.3)", "HAProxy 39.4")
    for _ in range(runs):
        target, port = nginx(place)
        def bare():
            return place.bare_once(("bare_http", DAEMON_CPU, 20000, 64, port))[0]
        for limit, ours in probing(place, checks(
                place, int(bare()[2] * LOAD * 0.05), "http",
                f'url = "http://{{labels.address}}:{port}/ok";', "50ms"),
                lambda: bare()[1]):
            row.add(limit, ours)
        place.end(target)
    return [row]


def encode(place, runs):
    rows = [Row(f"event encoded, {kind}", "ns", 1.2, "1.2 x", "json-c 2170")
            for kind in ("result", "change")]
    for _ in range(runs):
        for row, (_, limit, ours) in zip(rows, place.bare("encode", DAEMON_CPU, 300000)):
            row.add(limit, ours)
    return rows


def sample(place):
    """A result of the checks below, as it goes to the sinks."""
    path = os.path.join(place.path, "one.jsonl")
    daemon = Daemon(place, checks(
        place, 1, "ready", "", "100ms", f'{{ name = "one"; plugin = "file"; path = "{path}"; }},',
        '{ name = "one"; match = { kind = "result"; }; to = ["one"]; },'))
    wait_for("result", lambda: os.path.exists(path) and os.path.getsize(path) > 0)
    daemon.end()
    with open(path) as f:
        return place.file("message", f.readline().strip())


def through(place, sink, name, rate, beside):
    """What an event costs that a sink delivers, of so many a second: CPU microseconds, less
    those of the same daemon without it: encoding, queue, batch and delivery.  A daemon with
    the sink and one without live all the time and take turns with the bare loop, beside(),
    each stopped while the others run.  Gives pairs of what beside() gave and the cost."""
    route = f'{{ name = "all"; match = {{ kind = "result"; }}; to = ["{name}"]; }},'
    daemons = []
    for more in (("", ""), (sink + ",", route)):
        daemons.append(Daemon(place, checks(place, rate // 100, "ready", "", "10ms", *more)))
        time.sleep(rate / 1e5 + 1)  # the first runs are spread over a second per thousand
        daemons[-1].pause()

    def turn():
        limit = beside()
        (cpu, done, _), (with_cpu, with_done, delivered) = (
            daemon.turn(which) for daemon, which in zip(daemons, (None, name)))
        each = (with_cpu - cpu / done * with_done) / max(delivered, 1)
        return limit, each, min(done, with_done, delivered) / rate > 0.95

    pairs = in_turns(turn)
    for daemon in daemons:
        daemon.end()
    return pairs


def redis_rows(place, runs):
    notify = Row("event delivered to Redis (PUBLISH), beside hiredis", "CPU us", 1.5,
                 "", "syslog-ng 1.14")
    raw = Row("the same, beside bytes written by hand", "CPU us", None, "2 x", "")
    store = Row("event delivered by redis-store (script), beside a hiredis PUBLISH", "CPU us")
    message = sample(place)
    for _ in range(runs):
        server, port = redis(place)
        def bare():
            return [place.bare_once(("bare_redis", how, DAEMON_CPU, 640000, 128, port, message))
                    [0][1] for how in ("hiredis", "raw")]
        for (limit, least), ours in through(
                place, f'{{ name = "live"; plugin = "redis-notify"; channel = "bench"; '
                f'server = "127.0.0.1:{port}"; }}', "live", 200000, bare):
            notify.add(limit, ours)
            raw.add(least, ours)
        for (limit, _), ours in through(
                place, f'{{ name = "now"; plugin = "redis-store"; key = "h:{{check}}"; '
                f'server = "127.0.0.1:{port}"; }}', "now", 40000, bare):
            store.add(limit, ours)
        place.end(server)
    return [notify, raw, store]


def kafka_rows(place, runs):
    row = Row("event delivered to Kafka, seven headers, beside a producer of the same rate "
              "(mock cluster)", "CPU us", 1.5, "1.35 x",
              "syslog-ng 1.31 whole, no headers")
    message = sample(place)
    settings = ["enable.idempotence=true", "partitioner=murmur2_random", "linger.ms=0",
                "queue.buffering.max.messages=8192", "queue.buffering.max.kbytes=65536",
                "socket.nagle.disable=true"]
    for _ in range(runs):
        server, brokers = kafka(place)
        def bare(count, rate):
            return place.bare_once(("bare_kafka", DAEMON_CPU, count, rate, brokers, "bench",
                                    message, *settings))[0]
        rate = int(bare(200000, 0)[2] * 0.25) // 100 * 100
        for limit, ours in through(
                place, f'{{ name = "kafka"; plugin = "kafka"; topic = "bench"; '
                f'brokers = "{brokers}"; }}', "kafka", rate, lambda: bare(rate, rate)[1]):
            row.add(limit, ours)
        place.end(server)
    return [row]


def detect(place, runs):
    """Both sides in one run, in turn; detect.c makes rounds again that the host stole from."""
    rows = [Row("a process dies, event made, beside a pidfd, p50", "us", 1.5, "1.5 x",
                "collectd 1 s poll"),
            Row("... p99", "us"),
            Row("a process dies, Redis subscriber told, beside a pidfd and PUBLISH, p50", "us",
                None, "300 us", "nobody"),
            Row("... p99", "us", None, "2000 us")]
    for _ in range(runs):
        server, port = redis(place)
        pidfile = os.path.join(place.path, "watched.pid")
        daemon = Daemon(place, f"""
daemon = {{ observer = "bench"; }};
checks = ( {{ name = "it"; plugin = "process"; pidfile = "{pidfile}"; interval = "100ms";
  retry_interval = "20ms"; rise = 1; }} );
sinks = ( {{ name = "live"; plugin = "redis-notify"; server = "127.0.0.1:{port}";
  channel = "bench"; format = "{{state}} {{detection.detected}}"; }} );
routes = ( {{ name = "all"; match = {{ kind = "change"; check = "it"; }}; to = ["live"]; }} );
""")
        pidfd, made, published, told = place.bare_once(
            ("detect", 200, port, pidfile, DAEMON_CPU, OTHER_CPU))
        daemon.end()
        place.end(server)
        for i in range(2):
            rows[i].add(pidfd[i], made[i])
            rows[2 + i].add(published[i], told[i])
    return rows


def memory(place, _runs):
    """After each check has run once, which takes a second per thousand."""
    rows = []
    for count, bound in ((5000, None), (100000, 1024)):
        target, port = listener(place)
        options = f'address = "{{labels.address}}:{port}";'
        daemon = Daemon(place, checks(place, 1, "tcp", options, "1h"))
        time.sleep(1)
        before, _ = bad(place)
        least = daemon.rss()
        daemon.end()
        daemon = Daemon(place, checks(place, count, "tcp", options, "1h"))
        wait_for("first runs", lambda: daemon.counts()[0] >= count, count / 1000 + 60)
        time.sleep(1)
        used = daemon.rss()
        daemon.end()
        place.end(target)
        wrong, example = bad(place)
        wrong -= before
        if wrong:
            print(f"# {wrong} runs were not UP, as {example}", file=sys.stderr)
        row = Row(f"idle tcp check, of {count:,}", "bytes RSS", bound, "1024", "monit 1600")
        row.ours.append((used - least) / count)
        whole = Row(f"the daemon with {count:,} idle tcp checks", "MiB RSS", None,
                    "15" if count == 5000 else "", "monit 15.4" if count == 5000 else "")
        whole.ours.append(used / 2 ** 20)
        rows += [row, whole]
    return rows


def lag(place, runs):
    """How late runs begin; the load is what 37,500 tcp checks a second make of it."""
    row = Row("scheduling lag p99", "ms", None, "5 ms at 80 %", "Icinga sleeps 0.5 s")
    for _ in range(runs):
        target, port = listener(place)
        sampled = os.path.join(place.path, "sampled.jsonl")
        if os.path.exists(sampled):
            os.unlink(sampled)
        daemon = Daemon(place, checks(
            place, 3000, "tcp", f'address = "{{labels.address}}:{port}"; handshake = "half";',
            "80ms", f'{{ name = "sampled"; plugin = "file"; path = "{sampled}"; '
            'format = "{check} {time} {duration_us}"; },',
            '{ name = "sampled"; match = { kind = "result"; labels = { sampled = "1"; }; }; '
            'to = ["sampled"]; },'))
        time.sleep(4)
        begin = os.path.getsize(sampled)
        cpu, _, _ = daemon.measure(5)
        daemon.end()
        place.end(target)
        starts = {}
        with open(sampled) as f:
            f.seek(begin)
            f.readline()
            for line in f:
                check, at, took = line.split()
                seconds, fraction = at.rstrip("Z").split("T")[1].rsplit(".", 1)
                h, m, s = map(int, seconds.split(":"))
                us = ((h * 60 + m) * 60 + s) * 1000000 + int(fraction) - int(took)
                starts.setdefault(check, []).append(us)
        late = []
        for all_starts in starts.values():
            first = min(us % 80000 for us in all_starts)
            spread = [us % 80000 - first for us in all_starts]
            if max(spread) > 40000:  # the phase lies at the seam
                spread = [(us + 40000) % 80000 for us in all_starts]
                spread = [us - min(spread) for us in spread]
            late += spread
        late.sort()
        row.ours.append(late[len(late) * 99 // 100] / 1000)
        row.what = f"scheduling lag p99 at {cpu / 5e4:.0f} % of a core"
    return [row]


def rate(place, state, buffer):
    """Events a second from a source that has always more, through to a file."""
    daemon = Daemon(place, f'''
        daemon = {{ observer = "bench"; {state} }};
        sources = ( {{ name = "numbers"; plugin = "numbers"; keys = 1000; lanes = 4; }} );
        sinks = ( {{ name = "lines"; plugin = "file"; path = "{place.path}/lines";
                    buffer = {{ full = "block"; {buffer} }}; }} );
        routes = ( {{ name = "all"; match = {{ kind = "change"; from = "numbers"; }}; to = ["lines"]; }} );
    ''')
    time.sleep(1)
    _, before = daemon.counts()
    began = time.monotonic()
    time.sleep(2)
    _, after = daemon.counts()
    seconds = time.monotonic() - began
    daemon.end()
    os.unlink(f"{place.path}/lines")
    return (after["lines"] - before["lines"]) / seconds


def durable(place, runs):
    """With a disk of 50 ms beside none; and what sixteen producers gain from one sync."""
    whole = Row("event from a source to a file, journal synced every 50 ms, beside no journal", "us", 2)
    for turn in range(runs):
        state = f"{place.path}/state-{turn}"
        os.mkdir(state)
        none = rate(place, "", "")
        kept = rate(place, f'state_dir = "{state}";', 'disk = "256MiB"; sync = "50ms";')
        shutil.rmtree(state)
        whole.add(1e6 / none, 1e6 / kept)
    group = Row("record synced at once, of sixteen producers, beside a tenth of one alone", "us", 1)
    slower = Row("the same where each sync takes 1 ms more", "us", 1)
    for _ in range(runs):
        text = subprocess.run([place.tool("journal"), f"{place.path}/journal", "1"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        took = {m[1]: float(m[2]) for m in re.finditer(r"^(.*?)\s+\d+/s\s+([\d.]+) us each", text, re.M)}
        group.add(took["each, 1 producer"] / 10, took["each, 16 producers"])
        slower.add(took["sync + 1 ms, 1"] / 10, took["sync + 1 ms, 16"])
    return [whole, group, slower]


ROWS = {"tcp": tcp, "http": http, "encode": encode, "redis": redis_rows, "kafka": kafka_rows,
        "detect": detect, "memory": memory, "lag": lag, "durable": durable}


# ---- the page ----

def machine():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    with open("/etc/os-release") as f:
        system = re.search(r'PRETTY_NAME="(.*)"', f.read())
    return (f"{os.cpu_count()} processors ({model[1] if model else 'unknown'}), "
            f"Linux {os.uname().release}, {system[1] if system else 'unknown'}")


def page(rows, runs):
    head = ["what", "in", "limit", "ours", "ratio", "at most", "kept", "later goal", "best peer"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    return (f"Machine: {machine()}. Medians of the turns of {runs} run{'s' * (runs > 1)} "
            "(least to most).\n\n" + "\n".join(lines) + "\n")


def write(path, text):
    """Between the marks of the page, what was there before goes."""
    with open(path) as f:
        old = f.read()
    begin, end = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
    before, rest = old.split(begin)
    after = rest.split(end)[1]
    with open(path, "w") as f:
        f.write(before + begin + text + end + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("builddir")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write")
    arguments = parser.parse_args()
    place = Place(os.path.abspath(arguments.builddir))
    rows = []
    try:
        for name in arguments.rows.split(","):
            print(f"# {name}", file=sys.stderr)
            rows += ROWS[name](place, arguments.runs)
        text = page(rows, arguments.runs)
        print(text, end="")
        if arguments.write:
            write(arguments.write, text)
    finally:
        place.clear()


if __name__ == "__main__":
    main()
