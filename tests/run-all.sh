#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run-all.sh - everything that can be tested on this machine, from a clone whose packages
# are installed (quickstart.sh check does that).  The last line counts.
#
#   tests/run-all.sh [STEP...]    steps: asan tsan plain fuzz dist; default all
#
# What fails is run once more, alone; a line UNSTEADY tells what passes then.
#
# SONDE_FUZZ_SECONDS (60) for each fuzz target; SONDE_REQUIRE_ALL=1 counts a skip as failed.

set -u
cd "$(dirname "$0")/.." || exit 2
top=$PWD
jobs=$(nproc)
passed=0 failed=0 skipped=0
export SONDE_TEST_CACHE=${SONDE_TEST_CACHE:-$top/build/test-cache}

say() { printf '\n==== %s (%s s)\n' "$*" "$SECONDS"; }

good() {
	passed=$((passed + 1))
	echo "PASS: $*"
}

bad() {
	failed=$((failed + 1))
	echo "FAIL: $*"
}

# Adds up what automake's test driver wrote.
count_suite() { # DIRECTORY
	local result
	while read -r result; do
		case $result in
		PASS* | XFAIL*) passed=$((passed + 1)) ;;
		SKIP*) skipped=$((skipped + 1)) ;;
		*) failed=$((failed + 1)) ;;
		esac
	done < <(find "$1/tests" -name '*.trs' -exec sed -n 's/^:test-result: //p' {} +)
}

configure_in() { # DIRECTORY ARGUMENTS...
	local where=$1
	shift
	mkdir -p "$where"
	(cd "$where" && "$top/configure" --quiet "$@" >configure.out 2>&1) ||
		{ tail -20 "$where/configure.out" && return 1; }
}

tests_of() { # DIRECTORY KIND
	make -C "$1" --silent "print-$2-tests"
}

# The tests on stdin, without those that are of another kind as well.
without() { # DIRECTORY KIND
	tr ' ' '\n' | grep -vxF "$(tests_of "$1" "$2" | tr ' ' '\n')" | tr '\n' ' '
}

run_tests() { # DIRECTORY JOBS TESTS
	make -C "$1" --silent -k -j"$2" check TESTS="$3" >>"$1/check.out" 2>&1 || true
}

# Those that run by themselves.  The plain build adds those whose bounds are wider elsewhere, and
# those of tests/chaos; a sanitizer's build leaves out what says nothing there, and the one that has
# the fault points adds what needs them.
alone_in() { # DIRECTORY
	if [ "$1" = build-plain ]; then
		echo "$(tests_of "$1" alone) $(tests_of "$1" timed) $(tests_of "$1" chaos)"
	else
		tests_of "$1" alone | without "$1" plain
		[ "$1" != build-asan ] || tests_of "$1" fault
	fi
}

# Builds, and runs the tests of the given kinds; counts them.
suite() { # DIRECTORY KIND...
	local where=$1 kind
	shift
	make -C "$where" --silent -j"$jobs" all >"$where/make.out" 2>&1 || {
		tail -30 "$where/make.out"
		bad "$where does not build"
		return
	}
	grep -i 'warning:' "$where/make.out" | head
	: >"$where/check.out"
	run_tests "$where" "$jobs" '' # builds what the tests need
	for kind in "$@"; do
		run_tests "$where" "$jobs" "$(tests_of "$where" "$kind" | without "$where" alone |
			if [ "$kind" = growth ]; then cat; else without "$where" plain; fi)"
	done
	run_tests "$where" 1 "$(alone_in "$where")"
	grep -E '^(FAIL|ERROR)' "$where/check.out"
	again "$where"
	find "$where/tests" -name '*.trs' | grep -q . || {
		tail -30 "$where/check.out"
		bad "$where: no test ran"
	}
	count_suite "$where"
	show_failures "$where"
}

# A machine that stalls for half a second fails a test now and then: what failed is run once
# more, alone, and told if it passes then.  Never where a sanitizer spoke: that is no accident.
again() { # DIRECTORY
	local trs name tests=()
	while read -r trs; do
		name=${trs#"$1"/}
		name=${name%.trs}
		grep -q 'Sanitizer' "$1/$name.log" && continue
		for name in "$name.sh" "$name.t"; do
			[ -e "$name" ] || [ -e "$1/$name" ] && tests+=("$name")
		done
	done < <(grep -lE '^:test-result: (FAIL|ERROR)' -r "$1/tests" --include='*.trs')
	[ ${#tests[@]} -gt 0 ] || return 0
	show_failures "$1"
	run_tests "$1" 1 "${tests[*]}"
	for name in "${tests[@]}"; do
		grep -qE '^:test-result: (FAIL|ERROR)' "$1/${name%.*}.trs" ||
			echo "UNSTEADY: $name failed at first and passed when run again"
	done
}

show_failures() { # DIRECTORY
	local trs
	grep -lE '^:test-result: (FAIL|ERROR)' -r "$1/tests" --include='*.trs' 2>/dev/null |
		while read -r trs; do
			echo "---- ${trs%.trs}"
			tail -40 "${trs%.trs}.log"
		done
}

step_asan() {
	say "the suite with AddressSanitizer and UndefinedBehaviorSanitizer"
	configure_in build-asan --enable-werror --enable-sanitizer=address,undefined \
		--enable-fault-points CFLAGS='-O1 -g' || { bad "configure"; return; }
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 suite build-asan unit behaviour
}

step_tsan() {
	say "the behaviour tests with ThreadSanitizer"
	configure_in build-tsan --enable-werror --enable-sanitizer=thread CFLAGS='-O1 -g' ||
		{ bad "configure"; return; }
	SONDE_TSAN=1 TSAN_OPTIONS="suppressions=$top/tests/tsan.supp second_deadlock_stack=1" \
		suite build-tsan behaviour
}

fuzz_one() { # PROGRAM
	local name=${1##*/fuzz_}
	mkdir -p "build-fuzz/corpus/$name"
	if "$1" -max_total_time="${SONDE_FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="build-fuzz/$name-" \
		"build-fuzz/corpus/$name" "tests/fuzz/corpus/$name" \
		>"build-fuzz/$name.out" 2>&1; then
		return 0
	fi
	tail -30 "build-fuzz/$name.out"
	return 1
}

step_plain() {
	say "the tests that measure milliseconds, instructions or growth, or make faults, with a plain build"
	configure_in build-plain --enable-werror || { bad "configure"; return; }
	suite build-plain growth
}

step_fuzz() {
	local program running=() name
	say "fuzz targets, ${SONDE_FUZZ_SECONDS:-60} s each"
	configure_in build-fuzz --enable-fuzzers --enable-sanitizer=address,undefined \
		CC=clang CFLAGS='-O1 -g' || { bad "configure"; return; }
	make -C build-fuzz --silent -j"$jobs" fuzzers >build-fuzz/make.out 2>&1 || {
		tail -30 build-fuzz/make.out
		bad "the fuzz targets do not build"
		return
	}
	for program in build-fuzz/tests/fuzz/fuzz_*; do
		[ -x "$program" ] && [ ! -d "$program" ] || continue
		fuzz_one "$program" &
		running+=("$!:${program##*/}")
	done
	for name in "${running[@]}"; do
		if wait "${name%%:*}"; then good "${name#*:}"; else bad "${name#*:}"; fi
	done
}

step_dist() {
	say "distcheck with clang"
	configure_in build-dist --enable-werror CC=clang || { bad "configure"; return; }
	if make -C build-dist --silent -j"$jobs" distcheck \
		DISTCHECK_CONFIGURE_FLAGS='CC=clang --enable-werror' \
		TESTS="$(tests_of build-dist unit)" \
		>build-dist/distcheck.out 2>&1; then
		good "distcheck"
	else
		tail -40 build-dist/distcheck.out
		bad "distcheck"
	fi
}

./autogen.sh >autogen.log 2>&1 || {
	cat autogen.log
	exit 1
}
rm -f autogen.log
[ $# -gt 0 ] || set -- asan tsan plain fuzz dist
case " $* " in
*" asan "* | *" tsan "* | *" plain "*)
	say "the jars of the Kafka broker"
	tests/kafka/broker.sh fetch || bad "the broker's jars cannot be had"
	;;
esac
for step in "$@"; do "step_$step"; done

[ "${SONDE_REQUIRE_ALL:-0}" = 1 ] && failed=$((failed + skipped))
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
