# Sourced: real servers for tests. Those that are installed, or else Debian's, unpacked under the target directory.
. ci/debian.sh

# Debian has some in folders that are not on everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin$(printf ':%s' /usr/lib/postgresql/*/bin)

# Puts the program $2 on PATH, out of the packages $3… unless it is installed; they are kept under the name $1.
provide() {
    local name=$1 program=$2 home folder
    shift 2
    if ! command -v "$program" >/dev/null && command -v apt-get >/dev/null; then
        home=$(debian_root "$name")
        if [ -d "$home" ] || unpack_debian "$home" "$@" >&2; then
            PATH=$PATH:$(dirname "$(find "$home" -path "*bin/$program" | head -n 1)")
            while read -r folder; do
                export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
            done < <(find "$home" -name 'lib*.so.*' -printf '%h\n' | sort -u)
        fi
    fi
    command -v "$program" || echo "SKIPPED: neither $program nor Debian's is here" >&2
}

provide_redis() {
    provide redis redis-server redis-server redis-tools liblzf1 libjemalloc2 libatomic1
}

provide_mosquitto() {
    provide mosquitto mosquitto mosquitto libmosquitto1 libcjson1 libdlt2 libev4 libwebsockets17 libwrap0
}

provide_nats() {
    provide nats nats-server nats-server
}

provide_nginx() {
    # What it links to beside the C library, grep and others have brought.
    provide nginx nginx nginx
}

provide_postgres() {
    local postgres
    command -v apt-cache >/dev/null || return 0
    postgres=$(first_dependency postgresql 'postgresql-[0-9]')
    provide postgres initdb "$postgres" libpq5 libsasl2-2 libxml2 "$(first_dependency "$postgres" libicu)" \
        "$(first_dependency "$postgres" libldap)"
}
