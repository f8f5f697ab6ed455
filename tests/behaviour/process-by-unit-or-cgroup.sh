#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The processes of a systemd unit, or of a control group, are found by its name: with those
# of the groups in it, together with other selectors, and not those of a container's unit of
# the same name, nor of a user's, but where that user is given.  Where there is no such unit, that
# is said.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

root=
for each in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
	[ -z "$root" ] && [ -e "$each/cgroup.procs" ] && root=$each
done
[ -n "$root" ] || skip_all "no control groups are mounted here"
unit=sonde-test-$$
groups=() # made here, the outer ones first

make_group() { # PATH below the root
	[ -d "$root/$1" ] && return
	case $1 in */*) make_group "${1%/*}" || return ;; esac
	mkdir "$root/$1" 2>/dev/null || return
	groups+=("$root/$1")
}

# They must be empty before they can be removed.
remove_groups() {
	local i pid
	for pid in "${pids[@]}"; do kill -9 "$pid"; done 2>/dev/null
	for ((i = ${#groups[@]} - 1; i >= 0; i--)); do
		[ ! -d "${groups[i]}" ] || wait_for 5 rmdir "${groups[i]}"
	done
}
# The status is that of the test.
end_all() {
	local status=$?
	remove_groups
	(exit "$status")
	cleanup
}
trap end_all EXIT

into() { # PID PATH
	echo "$1" >"$root/$2/cgroup.procs"
}

sleep 300 &
plain=$!
pids+=("$plain")
disown "$plain"
if ! { make_group "system.slice/$unit.service" && into "$plain" "system.slice/$unit.service"; } 2>/dev/null; then
	skip_all "no control group can be made below $root"
fi

make_sleeper name cgp
start_in() { # PATH
	make_group "$1"
	start_sleeper "$name"
	into "$sleeper" "$1"
}

start_in "system.slice/$unit.service"
main=$sleeper
start_in "system.slice/$unit.service/workers/one"
worker=$sleeper
start_in "system.slice/system-sonde.slice/sonde@$$-a\\x2db.service"
instance=$sleeper
start_in "system.slice/_cpu.$unit.service"
escaped=$sleeper
start_in "user.slice/user-$(id -u).slice/user@$(id -u).service/app.slice/$unit-user.service"
user=$sleeper
start_in "machine.slice/$unit.scope/system.slice/$unit-inner.service"
inner=$sleeper
start_in "user.slice/user-$(id -u).slice/user@$(id -u).service/app.slice/$unit-none.service"
start_in "user.slice/user-7.slice/user@7.service/app.slice/$unit-user.service"
echo "$sleeper" >"$dir/impostor.pid"
echo "$worker" >"$dir/worker.pid"
echo "$user" >"$dir/user.pid"
echo "$inner" >"$dir/inner.pid"

cat >"$dir/once.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/once"; };
checks = (
  { name = "unit";     plugin = "process"; unit = "$unit.service"; min = 3; max = 3; },
  { name = "and";      plugin = "process"; unit = "$unit.service"; comm = "sleep"; },
  { name = "and-not";  plugin = "process"; unit = "$unit.service"; comm = "none"; },
  { name = "template"; plugin = "process"; unit = "sonde@$$-a\\\\x2db.service"; },
  { name = "escaped";  plugin = "process"; unit = "cpu.$unit.service"; },
  { name = "user";     plugin = "process"; unit = "$unit-user.service"; user = "$(id -u)"; },
  { name = "by-user";  plugin = "process"; unit = "$unit-user.service"; user = "$(id -u)"; pidfile = "$dir/user.pid"; },
  { name = "impostor"; plugin = "process"; unit = "$unit-none.service"; pidfile = "$dir/impostor.pid"; },
  { name = "slice";    plugin = "process"; unit = "system-sonde.slice"; min = 1; },
  { name = "scope";    plugin = "process"; unit = "$unit.scope"; },
  { name = "inner";    plugin = "process"; unit = "$unit-inner.service"; },
  { name = "none";     plugin = "process"; unit = "$unit-none.service"; },
  { name = "never";    plugin = "process"; unit = "$unit-none.service"; min = 0; max = 0; },
  { name = "group";    plugin = "process"; cgroup = "/system.slice/$unit.service/workers"; },
  { name = "deep";     plugin = "process"; cgroup = "/machine.slice/$unit.scope/"; },
  { name = "absent";   plugin = "process"; cgroup = "/system.slice/$unit.service/none"; },
  { name = "file";     plugin = "process"; unit = "$unit.service"; pidfile = "$dir/worker.pid"; },
  { name = "not-file"; plugin = "process"; unit = "$unit.service"; pidfile = "$dir/inner.pid"; }
);
END
run_sonded -c "$dir/once.conf" --once >"$dir/once.out" 2>"$dir/once.log"
is "not all are UP" $? 1

found() { # NAME WANTED: state, reason and message, as far as wanted
	local got
	got=$(awk -v name="$1" '$4 == name { print }' "$dir/once.out" |
		sed -E 's/^[^ ]+ [^ ]+ +([A-Z]+) .* (OK|PROC[A-Z]+|OBSERVER) +/\1 \2 /')
	is "$1: $2" "${got:0:${#2}}" "$2"
}

found unit "UP OK 3 are running"
found and "UP OK pid $plain (sleep) is running"
found and-not "DOWN PROCNONE no process with comm \"none\", unit \"$unit.service\""
found template "UP OK pid $instance ($name) is running"
found escaped "UP OK pid $escaped ($name) is running"
found user "UP OK pid $user ($name) is running"
found by-user "UP OK pid $user ($name) is running"
found impostor "DOWN PROCNONE $dir/impostor.pid: pid"
found slice "UP OK pid $instance ($name) is running"
found scope "UP OK pid $inner ($name) is running"
found inner "DOWN PROCNONE unit \"$unit-inner.service\" is not active, or there is none of that name"
found none "DOWN PROCNONE unit \"$unit-none.service\" is not active, or there is none of that name"
found never "UP OK none is running"
found group "UP OK pid $worker ($name) is running"
found deep "UP OK pid $inner ($name) is running"
found absent "DOWN PROCNONE there is no control group \"/system.slice/$unit.service/none\""
found file "UP OK pid $worker ($name) is running"
found not-file "DOWN PROCNONE $dir/inner.pid: pid $inner ($name) is not one with unit \"$unit.service\""

# ---- a unit that is watched ----

kill -9 "$main" "$worker"
watch_processes <<END
{ name = "unit"; plugin = "process"; unit = "$unit.service"; fds_warn = 100; }
END
check "the unit is UP" wait_for 20 is_now unit UP OK
kill -9 "$plain"
check "its last process is killed: DOWN" wait_for 20 is_now unit DOWN PROCEXIT
start_in "system.slice/$unit.service"
check "another one starts: UP" wait_for 20 is_now unit UP OK
kill -9 "$sleeper"
check "that one is killed: DOWN" wait_for 20 reached unit DOWN 2
rmdir "$root/system.slice/$unit.service/workers/one" "$root/system.slice/$unit.service/workers" \
	"$root/system.slice/$unit.service"
check "the unit is no more" wait_for 20 grep -q \
	'"message":"unit .* is not active, or there is none of that name; pid' \
	<(sleep 1; events check unit)
ends_clean run

# ---- what makes no sense ----

cat >"$dir/wrong.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
checks = (
  { name = "short";    plugin = "process"; unit = "nginx"; },
  { name = "template"; plugin = "process"; unit = "getty@.service"; },
  { name = "pattern";  plugin = "process"; unit = "nginx*.service"; },
  { name = "both";     plugin = "process"; unit = "nginx.service"; cgroup = "/a"; },
  { name = "relative"; plugin = "process"; cgroup = "a/b"; },
  { name = "up";       plugin = "process"; cgroup = "/a/../b"; },
  { name = "twice";    plugin = "process"; cgroup = "//a"; },
  { name = "mount";    plugin = "process"; cgroup = "/sys/fs/cgroup/a"; }
);
END
run_sonded -c "$dir/wrong.conf" --check >/dev/null 2>"$dir/wrong"
is "a wrong configuration is refused" $? 2
is "each of its eight errors has a line" \
	"$(grep -o 'wrong.conf:[0-9]*' "$dir/wrong" | sort -u | wc -l)" 8
done_testing
