#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# broker.sh - a real Apache Kafka broker for one test: one node in KRaft mode, on free
# ports of 127.0.0.1, everything it writes in DIR.
#
#   broker.sh start DIR       ends when the broker answers; DIR/port and DIR/pid then exist
#   broker.sh topic DIR NAME  makes a topic of three partitions
#   broker.sh stop DIR
#   broker.sh fetch           only gets the jars
#
# BROKER_SETTINGS holds more lines of server.properties.  The jars come from
# KAFKA_HOME/libs, or Maven resolves them once into ${SONDE_TEST_CACHE:-.}/kafka.  The
# first broker leaves an archive of its classes there, which halves the time that the
# next ones take.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${SONDE_TEST_CACHE:-.}/kafka
tuning='-Xmx256m -Xms64m -Xss512k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData'
cluster=c29uZGUtdGVzdC1jbHVzdA

die()
{
    echo "broker.sh: $*" >&2
    exit 1
}

# Two tests may come here at the same moment.
resolve()
{
    mkdir -p "$cache"
    cache=$(cd "$cache" && pwd)
    archive=$cache/broker.jsa
    jars=$cache/jars
    [ -z "${KAFKA_HOME:-}" ] || { jars=$KAFKA_HOME/libs; return 0; }
    [ ! -e "$jars/.complete" ] || return 0
    (
        flock 9
        [ ! -e "$jars/.complete" ] || exit 0
        # Maven writes beside the pom: it gets a copy.
        cp "$here/pom.xml" "$cache/pom.xml"
        mvn -q -B -f "$cache/pom.xml" "-Djars=$jars" process-resources >"$cache/mvn.log" 2>&1 ||
            { cat "$cache/mvn.log" >&2; exit 1; }
        touch "$jars/.complete"
    ) 9>"$cache/lock" || die "Maven cannot resolve the jars of Kafka"
}

# The port of a listening or connected socket is not free.
free_port()
{
    while :; do
        port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
        hex=$(printf ':%04X ' $port)
        grep -q "$hex" /proc/net/tcp /proc/net/tcp6 2>/dev/null || break
    done
    echo $port
}

settings()
{
    cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2
advertised.listeners=PLAINTEXT://127.0.0.1:$1
controller.listener.names=CONTROLLER
log.dirs=$dir/data
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
background.threads=1
log.cleaner.enable=false
${BROKER_SETTINGS:-}
EOF
}

java_run()
{
    # shellcheck disable=SC2086
    exec java $tuning $share -cp "$jars/*" "$@"
}

launch()
{
    share=-Xshare:auto
    (java_run kafka.tools.StorageTool format -t "$cluster" -c "$dir/server.properties") \
        >"$dir/format.log" 2>&1 || { cat "$dir/format.log" >&2; die "cannot format"; }
    if [ -e "$archive" ]; then
        share=-XX:SharedArchiveFile=$archive
    elif mkdir "$archive.making" 2>/dev/null; then
        share=-XX:ArchiveClassesAtExit=$archive.making/broker.jsa
        : >"$dir/archives"
    fi
    (java_run kafka.Kafka "$dir/server.properties") >"$dir/broker.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
}

listens()
{
    grep -Eqs "$(printf ':%04X 0*:0000 0A ' "$1")" /proc/net/tcp /proc/net/tcp6
}

# Fails where the broker ended by itself: somebody else took the port.
wait_for()
{
    while ! listens "$1"; do
        kill -0 "$(cat "$dir/pid")" 2>/dev/null || return 1
        sleep 0.02
    done
    until kcat -b "127.0.0.1:$1" -L -m 5 >/dev/null 2>&1; do
        kill -0 "$(cat "$dir/pid")" 2>/dev/null || return 1
    done
}

start()
{
    resolve
    for attempt in 1 2 3; do
        rm -rf "$dir/data"
        mkdir -p "$dir/data"
        port=$(free_port)
        settings "$port" "$(free_port)" >"$dir/server.properties"
        launch
        if wait_for "$port"; then
            echo "$port" >"$dir/port"
            return 0
        fi
        rm -rf "$archive" "$archive.making"
    done
    tail -n 30 "$dir/broker.log" >&2
    die "the broker does not start"
}

# A broker asked to end writes everything out; nobody reads that any more.
stop()
{
    [ -e "$dir/pid" ] || return 0
    pid=$(cat "$dir/pid")
    signal=KILL
    [ ! -e "$dir/archives" ] || signal=TERM
    kill -$signal "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
    done
    if [ -e "$dir/archives" ] && mv "$archive.making/broker.jsa" "$archive" 2>/dev/null; then
        rmdir "$archive.making"
    fi
    rm -f "$dir/pid" "$dir/port" "$dir/archives"
}

command=${1:-}
dir=${2:-}
case $command in
fetch)
    resolve
    ;;
start)
    [ -n "$dir" ] || die "start needs a directory"
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    start
    ;;
topic)
    kcat -P -b "127.0.0.1:$(cat "$dir/port")" -t "$3" </dev/null
    ;;
stop)
    [ -n "$dir" ] || die "stop needs a directory"
    resolve
    stop
    ;;
*)
    die "start, stop, topic or fetch?"
    ;;
esac
