#!/usr/bin/env bash
# Builds the agents of the kits into tests/agents/build/: in each language the project that `caxton new` makes, as
# kit-LANGUAGE.wasm, and the guide's agents, as guide-….wasm. The projects stay in $tools/projects.
#
#   build.sh                  all languages
#   build.sh rust c           some: rust, assemblyscript, go, c, javascript, python
#
# $CAXTON is the command `caxton`; cargo has built it (`make cli`). The toolchains are those of scripts/toolchains.sh.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../scripts/toolchains.sh"
source "$here/projects.sh"

# Whether nothing of a language has changed since its agents were built.
unchanged() { # language agent...
    local language=$1
    shift
    [[ -d $projects/kit-$language ]] &&
        fresh "$here/$language" "$here/build.sh" "$here/projects.sh" "$here/../cli/src/templates.rs" -- "$@"
}

build_rust() (
    unchanged rust kit-rust kit-rust-waiting guide-rust guide-timers guide-debug guide-toolbox && return
    new_project rust
    with_rust
    export CARGO_TARGET_DIR=$tools/rust-kit
    make -C "$projects/kit-rust" CARGO="$cargo" CARGO_FLAGS="${cargo_flags[*]}" >&2
    publish "$projects/kit-rust/kit-rust.wasm" kit-rust
    local release=$CARGO_TARGET_DIR/wasm32-unknown-unknown/release
    build() { # folder argument...
        (cd "$1" && "$cargo" build --release --locked --target wasm32-unknown-unknown "${cargo_flags[@]}" "${@:2}" >&2)
    }
    # The kit needs no standard library.
    build "$here/rust/caxton-sdk" --no-default-features
    build "$here/rust/example"
    publish "$release/waiting.wasm" kit-rust-waiting
    build "$here/rust/guide"
    publish "$release/guide_first.wasm" guide-rust
    publish "$release/guide_timers.wasm" guide-timers
    publish "$release/guide_debug.wasm" guide-debug
    publish "$release/guide_toolbox.wasm" guide-toolbox
)

build_assemblyscript() (
    unchanged assemblyscript kit-assemblyscript guide-assemblyscript && return
    with_node
    make_project assemblyscript
    cd "$here/assemblyscript/guide"
    npm ci --no-audit --no-fund --loglevel=error >&2
    npx --no-install asc assembly/index.ts --target release --optimize --outFile build/agent.wasm >&2
    publish build/agent.wasm guide-assemblyscript
)

build_go() (
    unchanged go kit-go guide-go && return
    with_go
    make_project go
    make -C "$here/go/guide" >&2
    publish "$here/go/guide/agent.wasm" guide-go
)

build_c() (
    unchanged c kit-c && return
    with_clang
    make_project c CLANG="$clang"
)

build_javascript() (
    unchanged javascript kit-javascript && return
    with_node
    make_project javascript
)

build_python() (
    unchanged python kit-python && return
    make_project python
)

wanted=$(languages "$@")
for language in $wanted; do
    # Not part of a condition: there, errexit would be off inside the build.
    "build_$language"
done
