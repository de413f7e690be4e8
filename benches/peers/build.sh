#!/usr/bin/env bash
# Builds what the benchmarks run: tests/agents/build/rust.wasm, and benches/.peers/plugin.wasm, which does
# the same work as a plugin of extism.

set -euo pipefail

benches=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
agents=$benches/../tests/agents
"$agents/build.sh" rust

source "$benches/../scripts/toolchains.sh"
built_agents=$benches/.peers

build_plugin() (
    # The plugin shares two files with the agent.
    local shared=("$agents/rust/agent/src/message.rs" "$agents/rust/agent/src/text.rs")
    fresh "$benches/peers/extism-plugin" "$benches/peers/build.sh" "${shared[@]}" -- plugin && return
    with_rust
    cd "$benches/peers/extism-plugin"
    local target=wasm32-unknown-unknown
    "$cargo" build --release --locked --target "$target" --target-dir "$tools/plugin" "${cargo_flags[@]}" >&2
    publish "$tools/plugin/$target/release/extism_plugin.wasm" plugin
)

build_plugin
