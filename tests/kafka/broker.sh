#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# broker.sh - a real Apache Kafka broker for one test: one node in KRaft mode, on free
# ports of 127.0.0.1, everything it writes in DIR.
#
#   broker.sh start DIR             ends when the broker answers; DIR/port and DIR/pid then exist
#   broker.sh stop DIR
#   broker.sh topic DIR NAME [PARTITIONS] [CONFIG=VALUE ...]
#   broker.sh fetch                 only gets the jars
#
# The jars come from KAFKA_HOME/libs, or are resolved once by Maven into
# ${SONDE_TEST_CACHE:-.}/kafka, where a class archive and a formatted directory are kept as
# well: the first start takes some seconds more than the next ones.  Topics come into being
# when somebody writes to them, unless BROKER_CREATE=false.

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
    [ -z "${KAFKA_HOME:-}" ] || { jars=$KAFKA_HOME/libs; mkdir -p "$cache"; return 0; }
    mkdir -p "$cache"
    cache=$(cd "$cache" && pwd)
    jars=$cache/jars
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
auto.create.topics.enable=${BROKER_CREATE:-true}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
background.threads=1
log.cleaner.enable=false
EOF
}

logging()
{
    cat <<EOF
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %m (%c)%n
EOF
}

launch()
{
    archive=$cache/broker.jsa
    share=-Xshare:auto
    if [ -e "$archive" ]; then
        share="-XX:SharedArchiveFile=$archive"
    elif mkdir "$cache/archiving" 2>/dev/null; then
        share="-XX:ArchiveClassesAtExit=$cache/archiving/broker.jsa"
    fi
    # shellcheck disable=SC2086
    setsid java $tuning $share -cp "$jars/*" kafka.Kafka "$dir/server.properties" \
        >"$dir/broker.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
}

answers()
{
    kcat -b "127.0.0.1:$1" -L -m 2 >/dev/null 2>&1
}

start()
{
    resolve
    mkdir -p "$dir/data"
    tries=0
    while :; do
        port=$(free_port)
        settings "$port" "$(free_port)" >"$dir/server.properties"
        format
        launch
        while kill -0 "$(cat "$dir/pid")" 2>/dev/null; do
            if answers "$port"; then
                echo "$port" >"$dir/port"
                return 0
            fi
            sleep 0.05
        done
        tries=$((tries + 1))
        [ $tries -lt 3 ] || { tail -n 30 "$dir/broker.log" >&2; die "the broker does not start"; }
    done
}
