;; Imports what no host should offer.
(module
  (import "env" "system" (func (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32 i32) (result i32)))
  (import "caxton" "deploy_agent" (func (param i32 i32) (result i32)))
  (import "caxton" "memory" (memory 1))
  (export "memory" (memory 0))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
