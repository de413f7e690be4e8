;; Logs all of its memory as one line.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $log (i32.const 0) (i32.const 65536))
    (call $error (i32.const 0) (i32.const 65536))
    (call $log_at (i32.const -2147483648) (i32.const 0) (i32.const 65536))
    (call $log_at (i32.const 2147483647) (i32.const 0) (i32.const 65536))
    (call $code (i32.const 1))
    (call $answer)))
