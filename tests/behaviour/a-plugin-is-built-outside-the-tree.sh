#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A plugin author has the installed package and nothing else: header, sonde.pc and
# the daemon.  With what `make install` left in a directory of our own the disk probe
# of docs/examples/plugin is built and loaded, and its event comes out of a route.
. "$(dirname "$0")/lib.sh"
need pkg-config nm

# ---- what a package would put on the machine ----

umask 022
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that runs the tests
root=$dir/root
check "make install fills a directory" \
	"${MAKE:-make}" -C "$builddir" install DESTDIR="$root"

sonded=$(find "$root" -type f -name sonded)
plugins=$(dirname "$(find "$root" -name sink_stdout.so)")
PKG_CONFIG_LIBDIR=$(dirname "$(find "$root" -name sonde.pc)")
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
is "one header is installed" \
	"$(cd "$root" && find . -name '*.h' | sed 's,.*/include/,,')" sonde/plugin.h
plugindir=$(pkg-config --variable=plugindir sonde)
is "sonde.pc says where plugins go" "$root${plugindir#"$root"}" "$plugins"
is "sonde.pc says which ABI it is" "$(pkg-config --variable=abi_version sonde)" 1

# ---- the author's own directory, which holds no part of the tree ----

author=$dir/author
own=$dir/own
mkdir "$author" "$own" "$dir/state"
cp "$srcdir"/docs/examples/plugin/{disk.c,load.cc,Makefile} "$author/"
check "the disk probe builds from the installed header" \
	"${MAKE:-make}" -C "$author" CC="${CC:-cc}" CFLAGS="-O2 -Wall -Wextra -Werror"
install -m 644 "$author/probe_disk.so" "$own/"
is "it exports one constant" \
	"$(nm -D --defined-only "$own/probe_disk.so" | awk '{ print $3 }')" sonde_plugin

describes() { # PLUGIN TEXT
	run_sonded --plugin-dir "$own" --describe "$1" >"$dir/described" 2>&1
	grep -e "$2" "$dir/described" && return
	cat "$dir/described"
	return 1
}
check "--describe tells its options" describes disk 'path  *text, required'

if command -v g++ >/dev/null; then
	# shellcheck disable=SC2046
	check "a C++ probe builds from the installed header" \
		g++ -std=c++17 -Wall -Wextra -Wno-missing-field-initializers -Werror \
		$(pkg-config --cflags sonde) -fPIC -fvisibility=hidden -shared \
		-o "$own/probe_load.so" "$author/load.cc"
	check "the C++ probe loads" describes load 'probe "load": load average'
fi

# ---- the daemon runs it ----

cat >"$dir/sonde.conf" <<END
daemon = { observer = "author"; state_dir = "$dir/state"; };
checks = ( { name = "root-disk"; plugin = "disk"; path = "/"; warning = 100.0;
             critical = 100.0; interval = "1s"; } );
sinks = ( { name = "out"; plugin = "stdout"; format = "json"; } );
routes = ( { name = "all"; match = { check = "root-disk"; kind = "change"; };
             to = ["out"]; } );
END
start_sonded daemon --plugin-dir "$own" -c "$dir/sonde.conf" || exit 1
wait_for 10 grep -q '"check":"root-disk"' "$dir/daemon.out"
check "its event comes out of a route" \
	grep '"kind":"change".*"check":"root-disk","plugin":"disk".*"used_percent":' \
	"$dir/daemon.out"
stop_sonded "$sonded_pid"
is "the daemon ends as it should" $? 0

chmod o+w "$own/probe_disk.so"
run_sonded --plugin-dir "$own" -c "$dir/sonde.conf" --check >"$dir/refused" 2>&1
is "a plugin that others may write is refused" \
	"$? $(grep -o 'sonde.conf:[0-9]*: .*probe_disk.so may be written by others' "$dir/refused" |
		grep -c .)" "2 1"
done_testing
