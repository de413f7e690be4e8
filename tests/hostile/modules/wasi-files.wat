;; Looks for files: every folder that it could have been given, and /etc/passwd in each.
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "/etc/passwd\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $fd i32)
    (loop $next
      (call $code (call $fd_prestat_get (local.get $fd) (i32.const 8192)))
      (call $code (call $fd_prestat_dir_name (local.get $fd) (i32.const 8192) (i32.const 64)))
      (call $code (call $path_open (local.get $fd) (i32.const 1) (i32.const 4096) (i32.const 11) (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 8192)))
      (call $code (call $path_filestat_get (local.get $fd) (i32.const 1) (i32.const 4096) (i32.const 11) (i32.const 8192)))
      (call $code (call $fd_readdir (local.get $fd) (i32.const 8192) (i32.const 1024) (i64.const 0) (i32.const 9300)))
      (call $code (call $path_create_directory (local.get $fd) (i32.const 4096) (i32.const 11)))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $fd) (i32.const 5))))
    (call $answer)))
