# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
#
# starttls.sh - real servers that begin in plain text and go on with TLS, beside lib.sh and
# pki.sh: mail, files, databases, a directory.  Each runs in the foreground on a free port
# of 127.0.0.1 with all its files under $dir, and is ended by pid.
#
#   start_exim NAME tls|plain        start_postgres NAME tls|plain
#   start_dovecot NAME tls|plain     start_mariadb NAME tls|plain
#   start_vsftpd NAME tls|plain      start_slapd NAME tls|plain
#
# They present a certificate for 127.0.0.1 that root.pem of pki.sh vouches for, after
# pki_make.  The port goes to NAME_port (of dovecot: NAME_imap_port and NAME_pop3_port).

root=false
[ "$(id -u)" = 0 ] && root=true

# Runs the command as USER where we are root, else as ourselves.
as_user() { # USER COMMAND...
	local user=$1
	shift
	if $root; then
		exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
	else
		exec "$@"
	fi
}

# A directory that only USER may read, with copies of certificate and key.
own_directory() { # PATH USER
	mkdir -p "$1" && cp "$pki/good-chain.pem" "$1/cert.pem" && cp "$pki/server.key" "$1/key.pem" &&
		chmod 600 "$1/key.pem" && chmod 700 "$1" || return 1
	if $root; then chmod 711 "$dir" && chown -R "$2" "$1"; fi
}

listens() { # PORT
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Once the server just started listens.
server_started() { # NAME PORT
	pids+=("$!")
	printf -v "$1_port" %s "$2"
	wait_for 60 listens "$2" && return
	note "$1 did not start: $(tail -5 "$dir/${1%_imap}.log")"
	return 1
}

# ---- mail and files ----

# Exim listens for root only.
start_exim() { # NAME tls|plain
	local port
	port=$(free_port)
	own_directory "$dir/$1" Debian-exim || return 1
	cat >"$dir/$1/exim.conf" <<-END
		primary_hostname = localhost
		local_interfaces = 127.0.0.1
		spool_directory = $dir/$1/spool
		log_file_path = $dir/$1/%slog
		pid_file_path = $dir/$1/pid
		keep_environment =
		tls_advertise_hosts = $([ "$2" = plain ] || echo '*')
		tls_certificate = $dir/$1/cert.pem
		tls_privatekey = $dir/$1/key.pem
	END
	exim4 -bdf -C "$dir/$1/exim.conf" -oX "$port" >"$dir/$1.log" 2>&1 &
	server_started "$1" "$port"
}

# What Dovecot 2.4 calls otherwise than 2.3.
dovecot_words() { # NAME
	if dovecot --version | grep -q '^2\.[0-3]\.'; then
		cat <<-END
			ssl_cert = <$dir/$1/cert.pem
			ssl_key = <$dir/$1/key.pem
			mail_location = maildir:$dir/$1/mail
			passdb {
			  driver = static
			  args = password=x
			}
			userdb {
			  driver = static
			  args = uid=$(id -u) gid=$(id -g) home=$dir/$1
			}
		END
	else
		cat <<-END
			dovecot_config_version = 2.4.0
			dovecot_storage_version = 2.4.0
			ssl_server_cert_file = $dir/$1/cert.pem
			ssl_server_key_file = $dir/$1/key.pem
			mail_driver = maildir
			mail_path = $dir/$1/mail
			passdb static {
			  password = x
			}
			userdb static {
			  fields {
			    uid = $(id -u)
			    gid = $(id -g)
			    home = $dir/$1
			  }
			}
		END
	fi
}

start_dovecot() { # NAME tls|plain
	local login=dovenull inner=dovecot imap_port pop3_port
	imap_port=$(free_port)
	pop3_port=$(free_port)
	own_directory "$dir/$1" root || return 1
	$root || login=$(id -un) inner=$(id -un)
	dovecot_words "$1" >"$dir/$1/dovecot.conf"
	cat >>"$dir/$1/dovecot.conf" <<-END
		protocols = imap pop3
		listen = 127.0.0.1
		base_dir = $dir/$1/run
		state_dir = $dir/$1/run
		log_path = /dev/stderr
		ssl = $([ "$2" = plain ] && echo no || echo yes)
		default_login_user = $login
		default_internal_user = $inner
		default_internal_group = $(id -gn "$inner")
		service anvil {
		  chroot =
		}
		service imap-login {
		  chroot =
		  inet_listener imap {
		    port = $imap_port
		  }
		  inet_listener imaps {
		    port = 0
		  }
		}
		service pop3-login {
		  chroot =
		  inet_listener pop3 {
		    port = $pop3_port
		  }
		  inet_listener pop3s {
		    port = 0
		  }
		}
	END
	dovecot -F -c "$dir/$1/dovecot.conf" >"$dir/$1.log" 2>&1 &
	printf -v "$1_pop3_port" %s "$pop3_port"
	server_started "$1_imap" "$imap_port"
}

start_vsftpd() { # NAME tls|plain
	local port
	port=$(free_port)
	own_directory "$dir/$1" root || return 1
	cat >"$dir/$1/vsftpd.conf" <<-END
		listen=YES
		listen_address=127.0.0.1
		listen_port=$port
		background=NO
		anonymous_enable=YES
		secure_chroot_dir=$dir/$1
		ssl_enable=$([ "$2" = plain ] && echo NO || echo YES)
		ssl_ciphers=HIGH
		rsa_cert_file=$dir/$1/cert.pem
		rsa_private_key_file=$dir/$1/key.pem
		run_as_launching_user=$($root && echo NO || echo YES)
		seccomp_sandbox=NO
	END
	vsftpd "$dir/$1/vsftpd.conf" >"$dir/$1.log" 2>&1 &
	server_started "$1" "$port"
}

# ---- databases, a directory ----

# PostgreSQL refuses to be root.
start_postgres() { # NAME tls|plain
	local port bin
	port=$(free_port)
	bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1)
	own_directory "$dir/$1" postgres || return 1
	(as_user postgres "$bin/initdb" -D "$dir/$1/data" -A trust --no-sync) >"$dir/$1.log" 2>&1 ||
		return 1
	as_user postgres "$bin/postgres" -D "$dir/$1/data" -p "$port" -h 127.0.0.1 \
		-k "$dir/$1" -c fsync=off -c "ssl=$([ "$2" = plain ] && echo off || echo on)" \
		-c "ssl_cert_file=$dir/$1/cert.pem" -c "ssl_key_file=$dir/$1/key.pem" \
		>>"$dir/$1.log" 2>&1 &
	server_started "$1" "$port"
}

# Without tables for users, and so without the seconds that they take to make.
start_mariadb() { # NAME tls|plain
	local port secure=(--skip-ssl)
	port=$(free_port)
	own_directory "$dir/$1" mysql || return 1
	(as_user mysql mkdir "$dir/$1/data") || return 1
	[ "$2" = plain ] || secure=("--ssl-cert=$dir/$1/cert.pem" "--ssl-key=$dir/$1/key.pem")
	as_user mysql mariadbd --no-defaults "--datadir=$dir/$1/data" --skip-grant-tables \
		--skip-innodb --default-storage-engine=Aria "--socket=$dir/$1/socket" \
		"--port=$port" --bind-address=127.0.0.1 "${secure[@]}" >"$dir/$1.log" 2>&1 &
	server_started "$1" "$port"
}

# From a copy: where AppArmor knows slapd, it knows it by its path, and none of our files.
start_slapd() { # NAME tls|plain
	local port
	port=$(free_port)
	own_directory "$dir/$1" root || return 1
	{
		echo "pidfile $dir/$1/pid"
		[ "$2" = plain ] || cat <<-END
			TLSCertificateFile $dir/$1/cert.pem
			TLSCertificateKeyFile $dir/$1/key.pem
		END
	} >"$dir/$1/slapd.conf"
	cp "$(command -v slapd)" "$dir/$1/slapd" || return 1
	"$dir/$1/slapd" -f "$dir/$1/slapd.conf" -h "ldap://127.0.0.1:$port" -d stats >"$dir/$1.log" 2>&1 &
	server_started "$1" "$port"
}
