;; Exports the host's own functions as its handlers: the host calls itself.
(module
  ;; prelude
  (memory (export "memory") 1)
  (export "handle_message" (func $send))
  (export "handle_timer" (func $cancel_timer))
  (export "get_capabilities" (func $subscribe)))
