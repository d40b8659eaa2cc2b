#!/bin/sh
# What the tests need beyond Python: a Chromium, and fonts that can show Chinese. PostgreSQL comes from the system if it is
# there, else from a wheel in requirements-dev.lock, so it is never missing.
set -eu

say() { printf '%s\n' "$*" >&2; }

have_chromium() {
    [ -n "${TWOHOUR_CHROMIUM:-}" ] && return 0
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}

if have_chromium; then
    exit 0
fi

if command -v apt-get >/dev/null 2>&1; then
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        if sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root=none; fi
    fi
    if [ "$as_root" != none ]; then
        say "installing Chromium and a Chinese font with apt-get"
        $as_root apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null
        have_chromium && exit 0
    fi
fi

say "The tests of maps and pages need Chromium, which is not here. Install it, for example with"
say "    sudo apt-get install chromium fonts-noto-cjk        (Debian; Ubuntu: chromium-browser)"
say "    brew install --cask chromium                        (macOS)"
say "or name one that you have: export TWOHOUR_CHROMIUM=/path/to/chromium"
exit 1
