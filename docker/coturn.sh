#!/bin/sh
# Starts coturn with the secret that it shares with the bridge. The secret goes into a file: a command line is for everybody to read.
set -eu
umask 077
conf=/tmp/turnserver.conf

cat >"$conf" <<CONF
listening-port=3478
min-port=49160
max-port=49260
realm=${TURN_REALM:?set it to the host name that clients use}
use-auth-secret
static-auth-secret=$(cat /run/secrets/turn-secret)
fingerprint
stale-nonce=600
no-cli
no-multicast-peers
no-tls
no-dtls
# A relay must not become a way into the network behind it (CVE-2020-26262 and the like): the bridge's own address alone is let through.
denied-peer-ip=0.0.0.0-0.255.255.255
denied-peer-ip=10.0.0.0-10.255.255.255
denied-peer-ip=100.64.0.0-100.127.255.255
denied-peer-ip=127.0.0.0-127.255.255.255
denied-peer-ip=169.254.0.0-169.254.255.255
denied-peer-ip=172.16.0.0-172.31.255.255
denied-peer-ip=192.168.0.0-192.168.255.255
denied-peer-ip=::1
denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
denied-peer-ip=fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
allowed-peer-ip=${BRIDGE_ADDRESS:?set it to the address of this host that the bridge offers for media}
CONF
# Behind address translation coturn must name the public address in its relayed candidates.
[ -z "${PUBLIC_ADDRESS:-}" ] || echo "external-ip=$PUBLIC_ADDRESS/$BRIDGE_ADDRESS" >>"$conf"
exec turnserver -c "$conf" --log-file=stdout --pidfile=/tmp/turnserver.pid
