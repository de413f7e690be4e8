;; Fills its inbox and all memory behind it.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (memory.fill (local.get $ptr) (i32.const 0xff) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (local.get $ptr)))
    (call $code (i32.const 1))
    (call $answer)))
