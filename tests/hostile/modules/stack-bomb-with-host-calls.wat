;; Calls itself without end, and the host at every depth, also at the very last.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func $deep (result i32)
    (call $log (i32.const 439) (i32.const 8))
    (i32.add (i32.load8_u (i32.const 439)) (call $deep)))
  (func (export "handle_message") (param i32 i32) (result i32) (call $deep)))
