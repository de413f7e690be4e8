;; Says that it wrote its capabilities, and wrote nothing.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "get_capabilities") (param $ptr i32) (param $len i32) (result i32) (local.get $len))
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
