;; Logs line ends, control characters and what looks like another's line.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "one\0a2026-01-01 honest-0 ERROR two\0d\00\1b[2Jthree")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $log (i32.const 4096) (i32.const 44))
    (call $code (i32.const 1))
    (call $answer)))
