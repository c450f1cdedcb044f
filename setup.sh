#!/bin/sh
# Makes .venv beside this file and installs the product into it; with --dev also what tests need.
# Run it as often as you like: when nothing changed it returns at once.
# PYTHON names the interpreter to use; otherwise the first one of at least 3.11 is taken.
set -eu
cd "$(dirname "$0")"

extra=""
case "${1:-}" in
    "") ;;
    --dev) extra="[dev]" ;;
    *) echo "사용법: sh setup.sh [--dev]" >&2; exit 2 ;;
esac

say() { printf '%s\n' "$*" >&2; }

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

can_use_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

with_apt() {
    say "필요한 패키지를 설치합니다: $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if [ -n "$candidate" ] && is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    rm -rf .venv
    if "$python" -m venv .venv >/dev/null 2>&1; then
        return 0
    fi
    rm -rf .venv
    if can_use_apt; then
        version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        with_apt "$version" || with_apt python3-venv
        "$python" -m venv .venv
    else
        say "파이썬의 venv 모듈이 없습니다. 데비안/우분투라면 sudo apt install python3-venv 를 먼저 실행해 주세요."
        exit 1
    fi
}

# What is installed depends on pyproject.toml, on where this directory is, and on --dev.
wanted="$(cksum < pyproject.toml) $(pwd)"
stamp=".venv/.installed"
if is_new_enough .venv/bin/python && [ -f "$stamp" ]; then
    if [ "$(cat "$stamp")" = "$wanted [dev]" ]; then exit 0; fi
    if [ -z "$extra" ] && [ "$(cat "$stamp")" = "$wanted " ]; then exit 0; fi
fi

if ! python=$(find_python); then
    if can_use_apt; then
        with_apt python3 python3-venv
        python=$(find_python) || { say "파이썬 3.11 이상이 필요합니다."; exit 1; }
    else
        say "파이썬 3.11 이상이 필요합니다. 설치한 뒤 다시 실행해 주세요."
        exit 1
    fi
fi

if ! is_new_enough .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    make_venv
fi
rm -f "$stamp"
say "패키지를 설치합니다 (.venv). 처음에는 1~2분 걸립니다."
.venv/bin/python -m pip install -qq --disable-pip-version-check -e ".$extra"
printf '%s %s\n' "$wanted" "$extra" > "$stamp"
