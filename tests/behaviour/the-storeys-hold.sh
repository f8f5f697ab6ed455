#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# core/README.md lists the files of core/ from the top of the house to its ground.  A
# file includes only what stands below it there, so nothing below knows what is above;
# and the other promises on shape: who may know epoll and libconfig, what a file
# exports, how long it is.
. "$(dirname "$0")/lib.sh"
core=$srcdir/core

empty() { # DESCRIPTION TEXT
	if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi
}

# ---- the list ----

# Names without .c and .h, from the top down.
sed -n '/^## The files/,/^## Where/s/^| `\([a-z_]*\)\.[ch]` |.*/\1/p' "$core/README.md" >"$dir/list"
(cd "$core" && printf '%s\n' *.[ch]) | sed 's/\.[ch]$//' | sort -u >"$dir/files"

is "core/README.md names each file once" "$(sort "$dir/list" | uniq -d)" ""
is "it names all files of core, and no others" \
	"$(sort -u "$dir/list" | diff - "$dir/files")" ""

# ---- who includes whom ----

# Two files of one stage (the same first word) may know each other.  The others that may
# look up, each with its reason:
#   instance.c loop       it takes back the watches and timers that a plugin left
#   lane.c queue_inside   a part of the queue
looks_up='instance.c loop,lane.c queue_inside'

(cd "$core" && grep -o '^#include "[a-z_/]*\.h"' ./*.[ch]) |
	sed 's,^\./,,; s,:#include ", ,; s,\.h"$,,' >"$dir/includes"

awk -v may="$looks_up" '
	BEGIN { count = split(may, those, ","); for (i = 1; i <= count; i++) known[those[i]] = 1 }
	FILENAME == ARGV[1] { place[$1] = FNR; next }
	$2 == "config" || $2 == "sonde/plugin" || $0 in known { next }
	{ from = $1; sub(/\.[ch]$/, "", from) }
	!($2 in place) { print $1 " includes " $2 ".h, which is not in core"; next }
	{ a = from; b = $2; sub(/_.*/, "", a); sub(/_.*/, "", b) }
	a != b && place[$2] < place[from] { print $1 " includes " $2 ".h, which stands above it" }
' "$dir/list" "$dir/includes" >"$dir/up"
empty "a file includes only what stands below it" "$(cat "$dir/up")"

awk '
	$2 ~ /_inside$/ {
		stage = $2; sub(/_.*/, "", stage)
		from = $1; sub(/[_.].*/, "", from)
		# A lane is a part of a queue, a watch a part of a loop.
		if (from == "lane") from = "queue"
		if (from == "watch") from = "loop"
		if (from != stage) print $1 " includes " $2 ".h"
	}
' "$dir/includes" >"$dir/inside"
empty "only its own stage includes a _inside.h" "$(cat "$dir/inside")"

empty "no plugin includes anything of core" \
	"$(cd "$srcdir" && grep -nE '#include ["<][./]*core/' \
		plugins/*/*.[ch] docs/examples/plugin/* 2>/dev/null)"
# shellcheck disable=SC2016
empty "plugins include the public header, common, and their own" \
	"$(cd "$srcdir" && for file in plugins/*/*.[ch]; do
		grep -o '^#include "[^"]*"' "$file" | sed 's/^#include "\(.*\)"$/\1/' |
			while read -r named; do
				case $named in sonde/plugin.h | config.h | ../common/*) continue ;; esac
				[ -f "$(dirname "$file")/$named" ] || echo "$file: $named"
			done
	done)"

only() { # DESCRIPTION PATTERN FILE...
	local what=$1 pattern=$2
	shift 2
	is "$what" "$(cd "$core" && grep -lE "$pattern" ./*.[ch] | sed 's,^\./,,' | tr '\n' ' ')" \
		"$(printf '%s ' "$@")"
}
only "only the loop knows epoll" 'epoll_|sys/epoll' loop.c watch.c
only "only conf.c knows libconfig" 'libconfig\.h|config_(setting|t\b)' conf.c
empty "core links nothing else of weight" \
	"$(cd "$core" && grep -nE '#include <(ares|curl|hiredis|librdkafka|pcre2|openssl)' ./*.[ch])"
empty "core names no plugin" \
	"$(cd "$core" && grep -nE '"(tcp|http|process|stdout|file|kafka|redis[-_a-z]*)"' ./*.c |
		grep -v 'plugin = \\"' | grep -v 'SONDE_STRING\|setting_find\|tables')"

# ---- what a file exports ----

# Further first words of what a file exports: objects of its own that are named shortly.
cat >"$dir/words" <<'END'
memory arena
problem problems
event origin
encode event
decode event
event_field field
option_limits option
plugin plugins
timer wheel
worker job workers
watch loop
scheduler schedule
router path
present presents
retire retired
stats drop
graph_build build
graph_check build
graph_sink build
graph_source build
check_rest check
lane lanes
END
need nm
# libcore_a-check.o and core/libcore_a-check.o alike, after what ar says of the archive.
nm -A --defined-only -g "$builddir/libcore.a" 2>/dev/null |
	sed -nE 's/.*libcore_a-([a-z_]+)\.o:[0-9a-f]* [TDBRVW] (.*)/\1 \2/p' |
	grep -v ' __' >"$dir/exports"
check "libcore.a was read" test -s "$dir/exports"
awk '
	FILENAME == ARGV[1] { for (i = 2; i <= NF; i++) may[$1, $i] = 1; next }
	{
		word = $2; sub(/_.*/, "", word)
		stage = $1; sub(/_.*/, "", stage)
		if (word != "sonde" && word != stage && !(($1, word) in may)) print $1 ".c exports " $2
	}
' "$dir/words" "$dir/exports" >"$dir/strange"
empty "foo.c exports only foo_* and sonde_*" "$(cat "$dir/strange")"

# ---- how long things are ----

long_files() {
	(cd "$srcdir" && find core plugins include tests -name '*.[ch]' -type f) |
		while read -r file; do
			lines=$(wc -l <"$srcdir/$file")
			[ "$lines" -le 500 ] || echo "$file: $lines lines"
		done
}
empty "no file is over 500 lines" "$(long_files)"

if ctags --version 2>/dev/null | grep -q Universal; then
	# shellcheck disable=SC2046
	(cd "$srcdir" && ctags -o - --c-kinds=f --languages=C --fields=+ne \
		$(find core plugins -name '*.c' -type f)) |
		awk -F '\t' '!/^!/ {
			first = last = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) first = substr($i, 6)
				if ($i ~ /^end:/) last = substr($i, 5)
			}
			if (last && last - first + 1 > 60) print $2 ": " $1 " has " last - first + 1 " lines"
		}' >"$dir/long"
	empty "no function is over 60 lines" "$(cat "$dir/long")"
fi
done_testing
