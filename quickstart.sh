#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# quickstart.sh - from a fresh clone to a running daemon, and to a finished test run.
#
#   ./quickstart.sh              install what the build needs, build, run the demo
#   ./quickstart.sh --for 20s    the same, and end by itself
#   ./quickstart.sh check        install what the tests need, run everything
#
# For Debian 12; needs root or sudo only where a package is missing.

set -euo pipefail
cd "$(dirname "$0")"

build_packages=(gcc libc6-dev make autoconf automake libtool pkg-config
	libconfig-dev libc-ares-dev libpcre2-dev libssl-dev libcurl4-openssl-dev librdkafka-dev
	libhiredis-dev libjansson-dev)
check_packages=(libcmocka-dev clang libclang-rt-dev clang-tools llvm cppcheck shellcheck
	openssl redis-server redis-tools nginx-light tinyproxy kcat curl jq strace nftables
	iproute2 python3
	default-jre-headless maven systemd g++ procps xz-utils valgrind
	exim4-daemon-light dovecot-imapd dovecot-pop3d vsftpd postgresql mariadb-server slapd)

say() { printf '%s\n' "$*"; }

usage() {
	sed -n '5,9s/^# \{0,1\}//p' "$0"
}

# ---- packages ----

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		say "quickstart.sh: packages are missing and there is neither root nor sudo: $*" >&2
		exit 1
	fi
}

missing_packages() { # PACKAGE...
	local package
	for package in "$@"; do
		dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || printf '%s\n' "$package"
	done
}

# Run as root.  A server that its package starts at once would hold a port of the machine:
# policy-rc.d forbids that meanwhile.
# shellcheck disable=SC2016
apt_install='
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap "rm -f $policy" EXIT
		trap "exit 1" HUP INT TERM
		printf "#!/bin/sh\nexit 101\n" >"$policy"
		chmod 755 "$policy"
	fi
	apt-get install -y -qq --no-install-recommends "$@" >/dev/null
'

install_packages() { # PACKAGE...
	local missing
	if ! command -v apt-get >/dev/null; then
		say "quickstart.sh: no apt-get; going on with what is installed"
		return
	fi
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing: ${missing[*]}"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive sh -c "$apt_install" sh "${missing[@]}"
}

# ---- build ----

build() {
	[ -x configure ] || ./autogen.sh >/dev/null 2>autogen.log || {
		cat autogen.log >&2
		exit 1
	}
	rm -f autogen.log
	mkdir -p build
	(
		cd build
		[ -f Makefile ] || ../configure --quiet
		make --silent -j"$(nproc)"
		make --silent tests/target
	)
}

# ---- the demo ----

demo_conf() {
	rm -rf var/conf.d
	mkdir -p var/conf.d
	cp conf.d/*.conf var/conf.d/
	cat >var/conf.d/50-demo.conf <<-END
		# The demo: one small server on loopback, checked in three ways.
		daemon = { state_dir = "$PWD/var/state"; };
		checks = (
		    { name = "demo-shop:tcp";     plugin = "tcp";     address = "127.0.0.1:$1"; interval = "2s"; retry_interval = "500ms"; },
		    { name = "demo-shop:http";    plugin = "http";    url = "http://127.0.0.1:$1/health"; interval = "2s"; retry_interval = "500ms"; },
		    { name = "demo-shop:process"; plugin = "process"; pidfile = "$PWD/var/demo-shop.pid"; interval = "2s"; retry_interval = "500ms"; }
		);
	END
}

demo_end() {
	trap - EXIT INT TERM
	[ -z "${daemon:-}" ] || kill "$daemon" 2>/dev/null || true
	[ -z "${daemon:-}" ] || wait "$daemon" 2>/dev/null || true
	[ -z "${shop:-}" ] || kill "$shop" 2>/dev/null || true
}

demo_hints() {
	cat <<-END

		It runs in the foreground; Ctrl-C ends it.  From another terminal, in $PWD:
		  kill \$(cat var/demo-shop.pid)
		      the demo server dies: three checks go DOWN, the process one at once
		  build/tests/target -n demo-shop -p $1 -f var/demo-shop.pid &
		      it comes back: three checks go UP
		  build/sonded --plugin-dir build/.libs -c var/conf.d --check
		      what this configuration does; edit var/conf.d, then: kill -HUP $daemon

	END
}

demo() { # SECONDS, or nothing
	local port
	mkdir -p var
	rm -f var/demo-shop.pid var/demo-shop.port
	trap demo_end EXIT
	trap 'exit 130' INT TERM
	build/tests/target -n demo-shop -f var/demo-shop.pid -P var/demo-shop.port &
	shop=$!
	until [ -s var/demo-shop.pid ]; do sleep 0.05; done
	port=$(cat var/demo-shop.port)
	demo_conf "$port"
	: >var/events.log
	build/sonded --plugin-dir build/.libs -c var/conf.d > >(tee -a var/events.log) &
	daemon=$!
	sleep 2 # the first states show
	kill -0 "$daemon" 2>/dev/null || {
		say "the daemon did not stay; it says why above" >&2
		exit 1
	}
	demo_hints "$port"
	if [ -n "$1" ]; then
		sleep $(($1 > 2 ? $1 - 2 : 0)) & # two have passed
		wait $! || true
		demo_end
		[ -s var/events.log ] || {
			say "no change was printed" >&2
			exit 1
		}
	else
		wait "$daemon"
	fi
}

seconds() { # "20s", "1m"
	case $1 in
	*[!0-9]*s | *[!0-9]*m | '') ;;
	*s) say "${1%s}" && return ;;
	*m) say $((${1%m} * 60)) && return ;;
	esac
	say "quickstart.sh: --for takes a time such as 20s or 1m, not \"$1\"" >&2
	exit 2
}

case ${1:-} in
'')
	install_packages "${build_packages[@]}"
	build
	demo ''
	;;
--for)
	limit=$(seconds "${2:-}")
	install_packages "${build_packages[@]}"
	build
	demo "$limit"
	;;
check)
	install_packages "${build_packages[@]}" "${check_packages[@]}"
	exec tests/run-all.sh
	;;
-h | --help) usage ;;
*)
	say "quickstart.sh: unknown argument \"$1\"" >&2
	usage >&2
	exit 2
	;;
esac
