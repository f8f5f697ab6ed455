#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# broker.sh - a real Apache Kafka broker for one test: one node in KRaft mode, on free
# ports of 127.0.0.1, everything it writes in DIR.
#
#   broker.sh start DIR   ends when the broker answers; DIR/port and DIR/pid then exist
#   broker.sh stop DIR
#   broker.sh resume DIR  starts one that was stopped or killed again, with what it held
#   broker.sh fetch       only gets ready: jars, and an archive of the classes
#
# BROKER_PORT asks for that port, BROKER_SETTINGS holds more lines of server.properties.
# The jars come from KAFKA_HOME/libs, or Maven resolves them once; they and the archive,
# which takes a second off each start, are kept in $SONDE_TEST_CACHE/kafka, by default ~/.cache/sonde-tests/kafka.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${SONDE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sonde-tests}/kafka
tuning='-Xmx256m -Xms64m -Xss512k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData'
cluster=c29uZGUtdGVzdC1jbHVzdA

die()
{
    echo "broker.sh: $*" >&2
    exit 1
}

# ---- jars and archive, once ----

# Maven writes beside the pom: it gets a copy.
resolve()
{
    cp "$here/pom.xml" "$cache/pom.xml"
    mvn -q -B -f "$cache/pom.xml" "-Djars=$jars.new" process-resources >"$cache/mvn.log" 2>&1 || {
        cat "$cache/mvn.log" >&2
        die "Maven cannot resolve the jars of Kafka"
    }
    mv "$jars.new" "$jars"
}

# The classes that a broker loads, written out when one ends.
archive()
{
    share=-XX:ArchiveClassesAtExit=$archive.new
    dir=$cache/first
    mkdir -p "$dir"
    attempt || { share=-Xshare:auto; return 0; }
    kill "$(cat "$dir/pid")"
    wait "$(cat "$dir/pid")" || true
    rm -rf "$dir"
    mv "$archive.new" "$archive"
}

# Two tests may come here at the same moment.
get_ready()
{
    mkdir -p "$cache"
    cache=$(cd "$cache" && pwd)
    jars=${KAFKA_HOME:+$KAFKA_HOME/libs}
    jars=${jars:-$cache/jars}
    archive=$cache/$(echo "$jars" | cksum | cut -d ' ' -f 1).jsa
    if [ ! -e "$archive" ]; then
        (
            flock 9
            [ -d "$jars" ] || resolve
            [ -e "$archive" ] || archive
        ) 9>"$cache/lock" || exit 1
    fi
    share=-Xshare:auto
    [ ! -e "$archive" ] || share=-XX:SharedArchiveFile=$archive
}

# ---- one broker ----

# The port of a listening or connected socket is not free.
free_port()
{
    while :; do
        port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
        grep -qs "$(printf ':%04X ' "$port")" /proc/net/tcp /proc/net/tcp6 || break
    done
    echo "$port"
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
    exec java $tuning "$share" -cp "$jars/*" "$@"
}

listens()
{
    grep -Eqs "$(printf ':%04X 0*:0000 0A ' "$1")" /proc/net/tcp /proc/net/tcp6
}

# Fails where the broker ends by itself: somebody else took the port.
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

run()
{
    (java_run kafka.Kafka "$dir/server.properties") >>"$dir/broker.log" 2>&1 </dev/null 9>&- &
    echo $! >"$dir/pid"
    wait_for "$1" && echo "$1" >"$dir/port"
}

attempt()
{
    rm -rf "$dir/data"
    mkdir -p "$dir/data"
    port=${BROKER_PORT:-$(free_port)}
    settings "$port" "$(free_port)" >"$dir/server.properties"
    (share=-Xshare:auto && java_run kafka.tools.StorageTool format -t "$cluster" \
        -c "$dir/server.properties") >"$dir/broker.log" 2>&1 || return 1
    run "$port"
}

start()
{
    attempt || attempt || attempt || {
        tail -n 30 "$dir/broker.log" >&2
        die "the broker does not start"
    }
}

# The port is as it was: whoever was told of it finds it there.
resume()
{
    port=$(sed -n 's|^listeners=PLAINTEXT://127.0.0.1:\([0-9]*\),.*|\1|p' "$dir/server.properties")
    run "$port" || run "$port" || {
        tail -n 30 "$dir/broker.log" >&2
        die "the broker does not start again"
    }
}

# A broker asked to end would write out what nobody reads any more.
stop()
{
    [ -e "$dir/pid" ] || return 0
    pid=$(cat "$dir/pid")
    kill -KILL "$pid" 2>/dev/null || true
    while grep -qs '^State:.[^Z]' "/proc/$pid/status"; do
        sleep 0.02
    done
    rm -f "$dir/pid" "$dir/port"
}

command=${1:-}
dir=${2:-}
case $command in
fetch)
    get_ready
    ;;
start | stop | resume)
    [ -n "$dir" ] || die "$command needs a directory"
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ "$command" = stop ] || get_ready
    "$command"
    ;;
*)
    die "start, stop, resume or fetch?"
    ;;
esac
