# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
#
# pki.sh - certificates for the tests that speak TLS, beside lib.sh: made by the openssl
# command in $dir/pki, with one key for all servers, in about a second.
#
#   pki_make          makes all of these; $pki is $dir/pki
#   pki_cert          one more, for what a test needs besides
#   pki_sha256        the pin of a certificate
#   start_tls         openssl s_server with one of them
#
# root.pem vouches for mid.pem, which vouches for the servers; NAME.pem is a certificate,
# NAME-chain.pem the same with its intermediate, as a server sends it; server.key is the
# key of all of them.  All but wrong-name are for 127.0.0.1, ::1, localhost, shop.test and
# *.wild.test.
#
#   good           for 90 days                  wrong-name   for elsewhere.test only
#   ends-soon      for 10 days                  unknown      of unknown-root.pem
#   ends-now       for 2 days                   self-signed  of nobody (90 days)
#   expired        3 days ago                   short-mid    for 90 days, its intermediate
#   early          begins in 3 days                          (short-mid-ca.pem) for 10
#   client         of the client (key: client.key), for clientAuth
#   locked.key     client.key under the passphrase "secret"

need openssl
pki=$dir/pki
pki_names='DNS:localhost,DNS:shop.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1'

pki_key() { # NAME
	openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key"
}

# Time in days from now, as openssl ca wants it.
pki_time() { # DAYS
	date -u -d "$(awk -v days="$1" 'BEGIN { printf "%d", days * 86400 }') seconds" \
		+%Y%m%d%H%M%SZ
}

# A certificate for the key KEY, signed by CA, which has both ("-": by itself).
pki_cert() { # NAME KEY CA FROM_DAYS UNTIL_DAYS EXTENSIONS... (each a line of openssl's)
	local name=$1 key=$2 ca=$3 from until signer
	from=$(pki_time "$4")
	until=$(pki_time "$5")
	shift 5
	{
		echo "[ext]"
		printf '%s\n' "$@"
	} >"$pki/$name.ext"
	if [ "$ca" = - ]; then
		signer=(-selfsign -keyfile "$pki/$key.key")
	else
		signer=(-cert "$pki/$ca.pem" -keyfile "$pki/$ca.key")
	fi
	openssl req -new -key "$pki/$key.key" -subj "/O=Sonde Test/CN=$name" \
		-out "$pki/$name.csr" &&
		openssl ca -batch -notext -config "$pki/ca.conf" "${signer[@]}" \
			-in "$pki/$name.csr" -out "$pki/$name.pem" \
			-startdate "$from" -enddate "$until" \
			-extfile "$pki/$name.ext" -extensions ext
}

# A server's, with its chain beside it, and the chain without itself.
pki_server() { # NAME CA FROM_DAYS UNTIL_DAYS SUBJECT_ALT_NAMES
	pki_cert "$1" server "$2" "$3" "$4" basicConstraints=critical,CA:false \
		"subjectAltName=$5" extendedKeyUsage=serverAuth || return 1
	if [ "$2" = - ]; then
		: >"$pki/$1-rest.pem"
	else
		cp "$pki/$2.pem" "$pki/$1-rest.pem"
	fi
	cat "$pki/$1.pem" "$pki/$1-rest.pem" >"$pki/$1-chain.pem"
}

pki_authority() { # NAME KEY CA UNTIL_DAYS
	pki_cert "$1" "$2" "$3" -1 "$4" basicConstraints=critical,CA:true \
		keyUsage=critical,keyCertSign,cRLSign subjectKeyIdentifier=hash
}

pki_config() {
	cat >"$pki/ca.conf" <<-END
		[ca]
		default_ca = this
		[this]
		database = $pki/index.txt
		new_certs_dir = $pki/by-serial
		rand_serial = yes
		unique_subject = no
		default_md = sha256
		policy = any
		email_in_dn = no
		[any]
		organizationName = optional
		commonName = supplied
		[req]
		distinguished_name = any
	END
	: >"$pki/index.txt"
}

pki_all() {
	local name
	for name in root mid short-mid-ca unknown-root server client; do pki_key "$name" || return 1; done
	pki_authority root root - 3650 &&
		pki_authority mid mid root 1000 &&
		pki_authority unknown-root unknown-root - 3650 &&
		pki_authority short-mid-ca short-mid-ca root 10 &&
		pki_server good mid -1 90 "$pki_names" &&
		pki_server ends-soon mid -1 10 "$pki_names" &&
		pki_server ends-now mid -1 2 "$pki_names" &&
		pki_server expired mid -30 -3 "$pki_names" &&
		pki_server early mid 3 90 "$pki_names" &&
		pki_server wrong-name mid -1 90 DNS:elsewhere.test &&
		pki_server unknown unknown-root -1 90 "$pki_names" &&
		pki_server self-signed - -1 90 "$pki_names" &&
		pki_server short-mid short-mid-ca -1 90 "$pki_names" &&
		pki_cert client client mid -1 90 extendedKeyUsage=clientAuth &&
		openssl ec -in "$pki/client.key" -aes128 -passout pass:secret \
			-out "$pki/locked.key"
}

pki_make() {
	mkdir -p "$pki/by-serial"
	pki_config
	pki_all >"$dir/pki.log" 2>&1 && return
	note "no certificates: $(tail -5 "$dir/pki.log")"
	return 1
}

pki_sha256() { # NAME
	openssl x509 -in "$pki/$1.pem" -outform DER | sha256sum | cut -d ' ' -f 1
}

# A server that speaks TLS with the chain of CERT; its port goes to NAME_port, its pid to
# NAME_pid, what it prints to $dir/NAME.said.  Without further arguments it sends each line
# back in reverse (-rev); -www makes it a web server.
start_tls() { # NAME CERT [ARGUMENTS OF openssl s_server...]
	local name=$1 cert=$2
	shift 2
	[ $# -gt 0 ] || set -- -rev
	[ ! -s "$pki/$cert-rest.pem" ] || set -- -cert_chain "$pki/$cert-rest.pem" "$@"
	openssl s_server -accept 127.0.0.1:0 -cert "$pki/$cert.pem" -key "$pki/server.key" "$@" \
		</dev/null >"$dir/$name.said" 2>&1 &
	printf -v "${name}_pid" %s "$!"
	pids+=("$!")
	wait_for 10 grep -q '^ACCEPT .*:' "$dir/$name.said" || {
		note "openssl s_server did not start: $(tail -5 "$dir/$name.said")"
		return 1
	}
	printf -v "${name}_port" %s "$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$dir/$name.said")"
}
