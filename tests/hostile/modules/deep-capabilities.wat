;; Says of itself what is ten thousand arrays deep.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "get_capabilities") (param $ptr i32) (param $len i32) (result i32)
    (if (i32.ge_u (local.get $len) (i32.const 10000))
      (then (memory.fill (local.get $ptr) (i32.const 0x5b) (i32.const 10000))))
    (i32.const 10000))
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
