;; Exports a function of the host as its allocator: it gives back that there is no such timer.
(module
  ;; prelude
  (memory (export "memory") 1)
  (export "caxton_alloc" (func $cancel_timer))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
