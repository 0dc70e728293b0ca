#!/bin/sh
# rustc, as cargo calls it for the fuzz targets. Cranelift is compiled without libFuzzer's instruments, and
# in as many parts as it likes: it isn't ours, a path through it is no news, and it would take half of the
# time of a build and of a run.
case " $* " in
  *" --crate-name cranelift_"* | *" --crate-name regalloc2 "*)
    for argument; do
      shift
      case $argument in
        -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-* | -Ccodegen-units=1) ;;
        *) set -- "$@" "$argument" ;;
      esac
    done
    ;;
esac
exec "$@"
