#!/usr/bin/env bash
# Builds the agents into tests/agents/build/*.wasm.
#
#   build.sh                  all of them
#   build.sh rust c           some: rust, assemblyscript, go, c
#
# The toolchains are those of scripts/toolchains.sh, which installs what is missing where it can.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../scripts/toolchains.sh"

# In a subshell, as all builds are: what it sets is nobody else's.
build_rust() (
    fresh "$here/rust" "$here/build.sh" -- rust rust-wasi rust-bindgen && return
    cd "$here/rust"
    with_rust
    local built=$tools/rust
    build() { # target package...
        local target=$1 package
        shift
        "$cargo" build --release --locked --target "$target" --target-dir "$built" "${cargo_flags[@]}" \
            "${@/#/--package=}" >&2
    }
    build wasm32-unknown-unknown worker bindgen
    build wasm32-wasip1 worker
    publish "$built/wasm32-unknown-unknown/release/worker.wasm" rust
    publish "$built/wasm32-unknown-unknown/release/bindgen.wasm" rust-bindgen
    publish "$built/wasm32-wasip1/release/worker.wasm" rust-wasi
)

# AssemblyScript

build_assemblyscript() (
    fresh "$here/assemblyscript" "$here/build.sh" -- assemblyscript && return
    with_node
    cd "$here/assemblyscript"
    npm ci --no-audit --no-fund --loglevel=error >&2
    local built
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    npx --no-install asc assembly/index.ts -O --outFile "$built/agent.wasm" >&2
    publish "$built/agent.wasm" assemblyscript
)

# Go

build_go() (
    fresh "$here/go" "$here/build.sh" -- go && return
    with_go
    cd "$here/go"
    local built
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    GOTOOLCHAIN=local GOFLAGS= GOOS=wasip1 GOARCH=wasm \
        go build -buildmode=c-shared -buildvcs=false -trimpath -ldflags='-s -w' -o "$built/agent.wasm" . >&2
    publish "$built/agent.wasm" go
)

# C

build_c() (
    fresh "$here/c" "$here/build.sh" -- c && return
    with_clang
    cd "$here/c"
    local built
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    "$clang" --target=wasm32-wasi -mexec-model=reactor -std=c11 -O2 -Wall -Wextra -Werror \
        -Wl,--strip-all,--stack-first,-zstack-size=65536,--export=malloc,--export=free \
        -o "$built/agent.wasm" ./*.c >&2
    publish "$built/agent.wasm" c
)

(($#)) || set -- rust assemblyscript go c
for language; do
    case $language in
        rust | assemblyscript | go | c) ;;
        *) die "unknown language: $language (known: rust, assemblyscript, go, c)" ;;
    esac
done
for language; do
    # Not part of a condition: there, errexit would be off inside the build.
    "build_$language"
done
