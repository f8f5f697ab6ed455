#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A plugin that is missing, was built for another ABI, lies about its size, sets what this
# daemon does not know, or that others may write, is refused with a sentence; what is only
# older or newer, loads.
. "$(dirname "$0")/lib.sh"

own=$dir/plugins
mkdir -m 755 "$own"
for so in wrong_abi size_beyond size_tiny row_size elsewhere no_symbol unresolved misnamed \
	is_a_sink newer newer_used newer_row older; do
	cp "$misbehaving/probe_$so.so" "$own/" || exit 1
done
chmod 755 "$own"/*.so

# What --check says of one check of that plugin; its exit status in `status`.
try() { # PLUGIN [ARGUMENTS...]
	local plugin=$1
	shift
	printf 'checks = (\n  { name = "x"; plugin = "%s"; }\n);\n' "$plugin" >"$dir/x.conf"
	"$sonded" --plugin-dir "$own" "$@" -c "$dir/x.conf" --check >"$dir/out" 2>"$dir/told"
	status=$?
}

refused() { # WHAT PLUGIN WORDS
	try "$2"
	if [ "$status" = 2 ] && says "$dir/told" "$dir/x.conf:2: check \"x\": $3"; then
		ok "$1: $3"
	else
		not_ok "$1" "status $status, wanted: $3" "$(cat "$dir/told")"
	fi
}

refused "missing" nowhere "no probe \"nowhere\" in $own, "
check "... and all directories are named" grep -q "in $own, /.*sonde/plugins" "$dir/told"
refused "a nearby name" oldr "no probe \"oldr\" in $own"
check "... is told" grep -q 'did you mean "older"?' "$dir/told"
refused "another ABI" wrong-abi "$own/probe_wrong_abi.so was built for plugin ABI 7, this daemon has 1; build it anew"
refused "a size beyond its file" size-beyond "$own/probe_size_beyond.so says that its descriptor has 1099511627776 bytes; they are not all in its file"
refused "a size too small" size-tiny "$own/probe_size_tiny.so says that its descriptor has 8 bytes; no header has fewer than"
refused "rows of another size" row-size "$own/probe_row_size.so says that its option rows have a size that they do not have"
refused "a descriptor that is nowhere" elsewhere "$own/probe_elsewhere.so"
refused "no record" no-symbol "$own/probe_no_symbol.so is no Sonde plugin: it exports no sonde_plugin"
refused "a function that no daemon has" unresolved "$own/probe_unresolved.so cannot be loaded: "
check "... is told as such" grep -q 'undefined symbol: sonde_not_invented_yet; it needs a newer sonded' "$dir/told"
refused "another name than its file's" misnamed "$own/probe_misnamed.so holds the probe \"other\", whose file is probe_other.so"
refused "another role than its file's" is-a-sink "$own/probe_is_a_sink.so holds the sink \"is-a-sink\""
refused "newer, with a field in use" newer-used "$own/probe_newer_used.so sets a field of its descriptor that this daemon does not know; it needs a newer sonded"
refused "newer, with a field of a row in use" newer-row "$own/probe_newer_row.so sets a field of its option row that this daemon does not know"
refused "a way out of the directories" ../x '"../x" is no name of a plugin'
is "none of them is the fault of a sanitizer" "$(grep -cE 'Sanitizer|runtime error' "$dir/told")" 0

try newer
is "a newer one that uses nothing new loads" "$status" 0
try older
is "an older one loads" "$status" 0

chmod 757 "$own/probe_older.so"
refused "a file that others may write" older "$own/probe_older.so may be written by others (mode 0757)"
chmod 755 "$own/probe_older.so"
chmod 777 "$own"
refused "a directory that others may write" older "$own may be written by others (mode 0777)"
chmod 1777 "$own"
refused "a sticky one, likewise" older "$own may be written by others (mode 1777)"
chmod 755 "$own"
if [ "$(id -u)" = 0 ]; then
	chown 1234 "$own/probe_older.so"
	refused "a file of somebody else" older "$own/probe_older.so belongs to user 1234"
	chown 0 "$own/probe_older.so"
	chown 1234 "$own"
	refused "a directory of somebody else" older "$own belongs to user 1234"
	chown 0 "$own"
	chgrp 1234 "$own/probe_older.so"
	chmod 775 "$own/probe_older.so"
	refused "a file that another group may write" older "$own/probe_older.so may be written by others (mode 0775)"
	chmod 755 "$own/probe_older.so"
fi
mkdir -m 777 "$dir/open"
cp "$misbehaving/probe_older.so" "$dir/open/"
ln -sf "$dir/open/probe_older.so" "$own/probe_older.so"
refused "a link into a directory that others may write" older "$dir/open may be written by others"
done_testing
