#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What `make install` leaves is what a package needs: a unit that systemd takes and that
# is locked up well, a sysusers file, plugins alone in their directory, manuals,
# examples, and a sonde.pc that plugins can be built with.
. "$(dirname "$0")/lib.sh"
need pkg-config systemd-analyze

umask 022
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that runs the tests
root=$dir/root
check "make install fills a directory" \
	"${MAKE:-make}" -C "$builddir" install DESTDIR="$root"
[ "$tap_failed" = 0 ] || done_testing # there is nothing to look at

installed() { # NAME, at the end of a path; prints the path, only where there is one
	local found
	found=$(find "$root" -path "*/$1")
	[ "$(printf '%s\n' "$found" | wc -l)" = 1 ] && printf '%s' "$found"
}

# ---- the unit ----

unit=$(installed systemd/system/sonde.service)
check "the unit is installed" test -s "$unit"
is "no place of configure is left in it" "$(grep -n '@[a-z]*dir@\|\${prefix}' "$unit")" ""
is "it starts what is installed" \
	"$root$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")" "$(installed sbin/sonded)"
conf=$(sed -n 's/^ExecStart=.* -c \(.*\)/\1/p' "$unit")
check "on the configuration that is installed" test -s "$root$conf/10-sonde.conf"

# As it would be on the machine itself, but for where its files are.
mkdir "$dir/unit"
sed "s,^ExecStart=,&$root," "$unit" >"$dir/unit/sonde.service"
verify() {
	local said
	said=$(systemd-analyze verify --man=no "$dir/unit/sonde.service" 2>&1) || {
		echo "$said"
		return 1
	}
	# It may also tell of other units of this machine.
	if grep sonde <<<"$said"; then return 1; fi
}
check "systemd-analyze verify takes it" verify

exposure() { # prints the number
	systemd-analyze security --offline=true "$dir/unit/sonde.service" 2>/dev/null |
		sed -n 's/.*Overall exposure level for sonde.service: \([0-9.]*\).*/\1/p'
}
if systemd-analyze --help | grep -q -e --offline; then
	level=$(exposure)
	note "exposure level ${level:-not told}"
	check "its exposure is at most 3.0" \
		awk -v level="$level" 'BEGIN { exit !(level != "" && level <= 3.0) }'
fi
if command -v systemd-sysusers >/dev/null; then
	mkdir -p "$dir/users/etc"
	sysusers=$(installed sysusers.d/sonde.conf)
	check "the sysusers file makes the user" \
		systemd-sysusers --root="$dir/users" "$sysusers"
	is "which the unit runs as" "$(cut -d: -f1 "$dir/users/etc/passwd" 2>/dev/null | grep -x sonde)" \
		"$(sed -n 's/^User=//p' "$unit")"
fi

# ---- the rest ----

is "plugins are installed without what libtool keeps" \
	"$(find "$root" -name '*.la' -o -name '*.a')" ""
plugindir=$(dirname "$(find "$root" -name sink_stdout.so)")
is "their directory holds nothing else" \
	"$(find "$plugindir" -type f ! -name 'probe_*.so' ! -name 'sink_*.so')" ""
is "no plugin of the tests is among them" \
	"$(cd "$plugindir" && ls probe_hang.so sink_hang.so 2>/dev/null)" ""
is "nobody else may write them" "$(find "$plugindir" -perm /022)" ""
for page in man8/sonded.8 man5/sonde.conf.5; do
	check "the manual page $page is installed" test -s "$(installed "man/$page")"
done
if command -v man >/dev/null; then
	for page in man8/sonded.8 man5/sonde.conf.5; do
		is "man has nothing to say against $page" \
			"$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l "$(installed "man/$page")" 2>&1 >/dev/null)" ""
	done
fi
for file in README.md NEWS.md plugins.md examples/health-alerts/health-alerts.conf \
	examples/health-alerts/fleet.csv examples/plugin/disk.c examples/plugin/Makefile; do
	check "$file is installed" test -s "$(installed "doc/sonde/$file")"
done
for plugin in "$plugindir"/*.so; do
	name=$(basename "$plugin" .so)
	name=${name#*_}
	check "the manual of ${name//_/-} is installed" \
		test -s "$(installed "doc/sonde/plugins/${name//_/-}.md")"
done

PKG_CONFIG_LIBDIR=$(dirname "$(installed pkgconfig/sonde.pc)")
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
check "sonde.pc is taken" pkg-config --validate sonde
include=$(pkg-config --cflags-only-I sonde | sed 's/^-I//; s/ *$//')
check "it leads to the header" test -s "$include/sonde/plugin.h"
named=$(pkg-config --variable=plugindir sonde)
is "and to the plugins" "$root${named#"$root"}" "$plugindir"
is "it has the version of the daemon" \
	"sonded $(pkg-config --modversion sonde) (plugin ABI $(pkg-config --variable=abi_version sonde))" \
	"$(run_sonded --version)"

check "make uninstall takes all of it away" \
	"${MAKE:-make}" -C "$builddir" uninstall DESTDIR="$root"
is "but for directories" "$(find "$root" ! -type d)" ""
done_testing
