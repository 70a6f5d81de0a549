#!/bin/sh
# Runs a command beside a PostgreSQL of its own, whose URL is in MULL_TEST_POSTGRESQL:
#
#     tests/postgresql.sh .venv/bin/pytest tests/test_store.py
#
# The server lives in a temporary folder, on a free port of 127.0.0.1, and goes with the command. Where PostgreSQL is
# missing, root installs Debian's package. PostgreSQL refuses to run as root: then the account `postgres` runs it.
set -eu
[ $# -gt 0 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }

programs() {
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) "$(dirname "$(command -v initdb || echo /)")"; do
        [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && echo "$folder" && return
    done
    return 1
}

as_server() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

if ! bin=$(programs); then
    [ "$(id -u)" = 0 ] || { echo "PostgreSQL is missing: install it (Debian: apt-get install postgresql)" >&2; exit 1; }
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y postgresql >&2
    bin=$(programs)
fi

folder=$(mktemp -d)
stop() {
    as_server "$bin/pg_ctl" --pgdata "$folder/data" --mode immediate --silent stop 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(umask 077 && echo "$password" >"$folder/password")
[ "$(id -u)" != 0 ] || chown -R postgres "$folder"
as_server "$bin/initdb" --pgdata "$folder/data" --username mull --pwfile "$folder/password" --auth scram-sha-256 \
    --encoding UTF8 --locale C.UTF-8 >/dev/null
as_server "$bin/pg_ctl" --pgdata "$folder/data" --log "$folder/log" --wait --silent start \
    --options "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$folder" >/dev/null ||
    { cat "$folder/log" >&2; exit 1; }

MULL_TEST_POSTGRESQL="postgresql+psycopg://mull:$password@127.0.0.1:$port/postgres" "$@"
