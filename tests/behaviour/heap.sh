# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# heap.sh - how much a daemon holds: descriptors, threads, and the bytes and blocks of its
# heap, counted and not guessed (tests/heapcount.c).  Sourced behind lib.sh, before the daemon
# is started.

# Descriptors and threads.  Without the files of the journal: the next one is made ahead.
open_now() {
	echo "$(find "/proc/$sonded_pid/fd" -mindepth 1 ! -lname '*/journal/*' | wc -l)" descriptors, \
		"$(find "/proc/$sonded_pid/task" -mindepth 1 -maxdepth 1 | wc -l)" threads
}
# Bytes and blocks of the heap: the least of one second, as something may be under way.
# Without what the flow keeps for the next time, which is bounded: see tests/heapcaches.c.
heap() {
	for _ in $(seq 20); do
		od -An -v -w8 -t d8 "$dir/heap" | awk '
			NR == FNR { kept[int($1 / 16)] = $1; next }
			FNR == 1 { bytes = $1 }
			FNR == 2 { blocks = $1 }
			FNR > 2 && FNR - 3 in kept { bytes -= $1 * kept[FNR - 3]; blocks -= $1 }
			END { print bytes, blocks }' "$dir/caches" -
		sleep 0.05
	done | sort -n | head -1
}
# Whether there are so many bytes more, at most, and a block for each 64 of them.
grows_less() { # BEFORE AFTER BYTES
	awk '{ exit !($3 - $1 < $5 && $4 - $2 < $5 / 64) }' <<<"$1 $2 $3"
}
preload=$builddir/tests/.libs/heapcount.so
if [ -e "$preload" ]; then
	printf '#!/bin/sh\nexec env LD_PRELOAD="%s" HEAPCOUNT="%s" "%s" "$@"\n' \
		"$preload" "$dir/heap" "$sonded" >"$dir/counted"
	chmod +x "$dir/counted"
	sonded=$dir/counted
	"$builddir/tests/heapcaches" >"$dir/caches"
elif [ "$patience" -gt 1 ]; then # a sanitizer counts otherwise
	heap() { echo 0 0; }
else
	not_ok "the heap is counted" "there is no $preload"
	done_testing
fi
