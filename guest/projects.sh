# The projects that `caxton new` makes, for scripts that build and test them: to be sourced after scripts/toolchains.sh.

projects=$tools/projects

# The command: $CAXTON, or what cargo built.
caxton() {
    if [[ -z ${CAXTON:-} ]]; then
        CAXTON=$(cd "$here/.." && cargo metadata --no-deps --format-version 1 |
            sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/caxton
    fi
    "$CAXTON" "$@"
}

# Makes the project of a language anew, as somebody new would.
new_project() { # language
    rm -rf "$projects/kit-$1"
    mkdir -p "$projects"
    caxton new "kit-$1" --lang "$1" --path "$projects" >&2
}

# The same, and builds it.
make_project() { # language argument...
    local language=$1
    shift
    new_project "$language"
    make -C "$projects/kit-$language" "$@" >&2
    publish "$projects/kit-$language/kit-$language.wasm" "kit-$language"
}

# The languages that were asked for, or all.
languages() { # language...
    local language
    (($#)) || set -- rust assemblyscript go c javascript python
    for language; do
        case $language in
            rust | assemblyscript | go | c | javascript | python) echo "$language" ;;
            *) die "unknown language: $language (known: rust, assemblyscript, go, c, javascript, python)" ;;
        esac
    done
}
