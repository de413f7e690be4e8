#!/usr/bin/env bash
# Tests the kits without the runtime: each kit's own tests, those of the project that `caxton new` made, and those of the
# guide's agents. Then each project's agent is asked with the last of the three commands.
#
#   test.sh                   all languages, which guest/build.sh has built
#   test.sh rust c            some: rust, assemblyscript, go, c, javascript, python

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../scripts/toolchains.sh"
source "$here/projects.sh"

# What npm installs for a kit is installed once for its lock file.
npm_test() { # folder
    cd "$1"
    npm ci --no-audit --no-fund --loglevel=error >&2
    npm test
}

test_rust() (
    # The kit's own tests are among those of the workspace.
    export CARGO_TARGET_DIR=$tools/rust-native
    make -C "$projects/kit-rust" test
    cd "$here/rust/guide"
    cargo test --locked
)

test_assemblyscript() (
    with_node
    (npm_test "$here/assemblyscript/caxton-sdk")
    (npm_test "$here/assemblyscript/guide")
    make -C "$projects/kit-assemblyscript" test
)

test_go() (
    with_go
    make -C "$here/go/caxton-sdk" test
    make -C "$projects/kit-go" test
)

test_c() (
    make -C "$here/c/caxton-sdk" test
    make -C "$projects/kit-c" test
)

test_javascript() (
    with_node
    # It depends on nothing.
    (cd "$here/javascript/caxton-sdk" && npm test)
    make -C "$projects/kit-javascript" test
)

test_python() (
    make -C "$here/python/caxton-sdk" test
    make -C "$projects/kit-python" test
)

wanted=$(languages "$@")
for language in $wanted; do
    say "testing the kit for $language"
    "test_$language"
    answer=$(caxton run-agent "$projects/kit-$language/kit-$language.wasm" --json --no-log \
        --message '{"action": "greet", "name": "Ada"}')
    [[ $answer == *'"greeting":"Hello, Ada!"'* ]] || die "the agent in $language answered: $answer"
done
