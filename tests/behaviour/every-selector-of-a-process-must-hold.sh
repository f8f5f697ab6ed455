#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Which processes count: all selectors that are given must hold, as many must run as min
# and max say, and a pidfile is taken for nothing but a number.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

make_sleeper name sel
start_sleeper "$name" 301
one=$sleeper
start_sleeper "$name" 302
me=$(id -un)
other=$(getent passwd | awk -F: -v me="$(id -u)" '$3 != me { print $1; exit }')

mkfifo "$dir/fifo"
: >"$dir/empty"
echo "rm -rf" >"$dir/words"
echo 99999999999999999999 >"$dir/large"
echo 4194304 >"$dir/stale"
printf '%s \r\n/var/lib/data\n' "$one" >"$dir/lines"
head -c 1000000 /dev/zero >"$dir/zeros"

cat >"$dir/once.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
defaults = { process = { min = 1; }; };
checks = (
  { name = "comm";      plugin = "process"; comm = "$name"; },
  { name = "cmdline";   plugin = "process"; cmdline = "^$dir/$name 30[2-9]\$"; },
  { name = "user";      plugin = "process"; comm = "$name"; user = "$me"; },
  { name = "exe";       plugin = "process"; comm = "$name"; exe = "$dir/$name"; },
  { name = "not-user";  plugin = "process"; comm = "$name"; user = "$other"; },
  { name = "not-exe";   plugin = "process"; comm = "$name"; exe = "/usr/bin/none"; },
  { name = "not-args";  plugin = "process"; comm = "$name"; cmdline = "3000"; },
  { name = "not-prefix"; plugin = "process"; comm = "sel-"; },
  { name = "two";       plugin = "process"; comm = "$name"; min = 2; max = 2; },
  { name = "three";     plugin = "process"; comm = "$name"; min = 3; },
  { name = "at-most";   plugin = "process"; comm = "$name"; max = 1; },
  { name = "never";     plugin = "process"; comm = "$name"; min = 0; max = 0; },
  { name = "never-is";  plugin = "process"; comm = "none-$$"; min = 0; max = 0; },
  { name = "lines";     plugin = "process"; pidfile = "$dir/lines"; },
  { name = "mismatch";  plugin = "process"; pidfile = "$dir/lines"; user = "$other"; },
  { name = "fifo";      plugin = "process"; pidfile = "$dir/fifo"; },
  { name = "empty";     plugin = "process"; pidfile = "$dir/empty"; },
  { name = "words";     plugin = "process"; pidfile = "$dir/words"; },
  { name = "large";     plugin = "process"; pidfile = "$dir/large"; },
  { name = "stale";     plugin = "process"; pidfile = "$dir/stale"; },
  { name = "zeros";     plugin = "process"; pidfile = "$dir/zeros"; },
  { name = "absent";    plugin = "process"; pidfile = "$dir/absent"; }
);
END
mkdir -p "$dir/state"
run_sonded -c "$dir/once.conf" --once >"$dir/once" 2>"$dir/once.log"
is "not all are UP" $? 1

# State, reason and message of a check, as far as they are wanted.
found() { # NAME WANTED
	local got
	got=$(awk -v name="$1" '$4 == name { print }' "$dir/once" |
		sed -E 's/^[^ ]+ [^ ]+ +([A-Z]+) .* (OK|PROC[A-Z]+|OBSERVER) +/\1 \2 /')
	is "$1: $2" "${got:0:${#2}}" "$2"
}

found comm "UP OK 2 are running"
found cmdline "UP OK pid $sleeper ($name) is running"
found user "UP OK 2 are running"
found exe "UP OK 2 are running"
found not-user "DOWN PROCNONE no process with comm \"$name\", user \"$other\""
found not-exe "DOWN PROCNONE no process with"
found not-args "DOWN PROCNONE no process with"
found not-prefix "DOWN PROCNONE no process with"
found two "UP OK 2 are running"
found three "DOWN PROCNONE 2 of at least 3 running"
found at-most "DOWN PROCMANY 2 running, at most 1 allowed"
found never "DOWN PROCMANY 2 running, at most 0 allowed"
found never-is "UP OK none is running"
found lines "UP OK pid $one ($name) is running"
found mismatch "DOWN PROCNONE $dir/lines: pid $one ($name) is not one with user \"$other\""
found fifo "DOWN PROCNONE $dir/fifo is not a regular file"
found empty "DOWN PROCNONE $dir/empty is empty"
found words "DOWN PROCNONE $dir/words does not begin with the number of a process"
found large "DOWN PROCNONE $dir/large does not begin with the number of a process"
found stale "DOWN PROCNONE $dir/stale: pid 4194304 is not running"
found zeros "DOWN PROCNONE $dir/zeros does not begin with the number of a process"
found absent "DOWN PROCNONE $dir/absent: No such file or directory"

# What is wrong in a configuration is said at once.
cat >"$dir/wrong.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
checks = (
  { name = "nothing"; plugin = "process"; },
  { name = "long";    plugin = "process"; comm = "sixteen-bytes-it"; },
  { name = "user";    plugin = "process"; user = "nobody-has-this-name"; },
  { name = "regex";   plugin = "process"; cmdline = "(open"; },
  { name = "any";     plugin = "process"; comm = "x"; min = 0; },
  { name = "order";   plugin = "process"; comm = "x"; min = 3; max = 2; },
  { name = "many";    plugin = "process"; pidfile = "/x"; min = 2; }
);
END
run_sonded -c "$dir/wrong.conf" --check >/dev/null 2>"$dir/wrong"
is "a wrong configuration is refused" $? 2
is "each of its seven errors has a line" \
	"$(grep -o 'wrong.conf:[0-9]*' "$dir/wrong" | sort -u | wc -l)" 7
done_testing
