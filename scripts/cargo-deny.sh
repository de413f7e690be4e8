#!/usr/bin/env bash
# Holds the dependencies to deny.toml: licences, sources, bans, and known vulnerabilities where the
# database of them can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools="${CAXTON_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/caxton-tools}"
deny="$tools/bin/cargo-deny"
if ! command -v cargo-deny >/dev/null && [ ! -x "$deny" ]; then
    # Apart from the project's own target folder, which has other features.
    CARGO_TARGET_DIR="$tools/target" cargo install -q --locked --root "$tools" --version "$version" cargo-deny
    rm -rf "$tools/target"
fi
command -v cargo-deny >/dev/null && deny=cargo-deny
"$deny" --log-level error check licenses bans sources
if "$deny" --log-level off fetch db 2>/dev/null; then
    "$deny" --log-level error check advisories
else
    echo "cargo-deny: the database of advisories cannot be fetched here; they were not checked" >&2
fi
