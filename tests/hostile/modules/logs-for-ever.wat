;; Logs, for ever.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "more")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (loop $ever (call $log (i32.const 4096) (i32.const 4)) (br $ever))
    unreachable))
