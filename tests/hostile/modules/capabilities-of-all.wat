;; Says that its capabilities are 2147483647 bytes long.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "get_capabilities") (param $ptr i32) (param $len i32) (result i32) (i32.const 0x7fffffff))
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
