#!/usr/bin/env bash
# Stands between cargo and rustc: what libFuzzer needs to see which code runs is added to Caxton itself and to
# the fuzz targets, and everything else stays as it is.
set -euo pipefail
case " $* " in
    *" --crate-name caxton "* | *" --crate-name caxton_fuzz "* | *" fuzz/fuzz_targets/"*) ;;
    *) exec "$@" ;;
esac
exec "$@" --cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
