#!/usr/bin/env bash
# Builds what the benchmarks run: tests/agents/build/rust.wasm, and benches/.peers/plugin.wasm, which does
# the same work as a plugin of extism.

set -euo pipefail

benches=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
agents=$benches/../tests/agents

# Builds the Rust agents, and leaves its functions here.
source "$agents/build.sh" rust

# The plugin shares two files with the agent.
is_fresh() {
    here=$benches/peers fresh extism-plugin plugin || return 1
    local shared
    for shared in message text; do
        [[ $out/plugin.wasm -nt $agents/rust/agent/src/$shared.rs ]] || return 1
    done
}

build_plugin() (
    out=$benches/.peers
    is_fresh && return
    cargo=cargo
    cargo_flags=()
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET
    rust_has_targets || prepare_debian_rust

    cd "$benches/peers/extism-plugin"
    local target=wasm32-unknown-unknown
    "$cargo" build --release --locked --target "$target" --target-dir "$tools/plugin" "${cargo_flags[@]}" >&2
    publish "$tools/plugin/$target/release/extism_plugin.wasm" plugin
)

build_plugin
