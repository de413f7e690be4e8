#!/usr/bin/env bash
# Runs each fuzz target for some seconds: `scripts/fuzz.sh SECONDS [TARGET…]`. An input that breaks something lies in
# fuzz/artifacts afterwards; those that reach more code are kept in fuzz/corpus, from which later runs go on.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="$1"
shift
targets=("$@")
if [ "${#targets[@]}" = 0 ]; then
    targets=(envelope filter module host_calls timers store)
fi
RUSTC_WORKSPACE_WRAPPER="$PWD/scripts/sancov.sh" cargo build -p caxton-fuzz --bins
built="$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug"
# A module that is compiled for one input is not to fill the user's cache.
export CAXTON_CACHE_DIR=
for target in "${targets[@]}"; do
    corpus="fuzz/corpus/$target" artifacts="fuzz/artifacts/$target"
    mkdir -p "$corpus" "$artifacts" "fuzz/seeds/$target"
    if ! "$built/$target" "$corpus" "fuzz/seeds/$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=4096 \
        -artifact_prefix="$artifacts/" >"$artifacts/log" 2>&1; then
        tail -n 60 "$artifacts/log"
        echo "fuzzing $target found something: see $artifacts" >&2
        exit 1
    fi
    echo "fuzzed $target: $(grep -a DONE "$artifacts/log")"
done
