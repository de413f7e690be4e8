;; Exports things that are no functions under the names of the handlers.
(module
  (memory (export "memory") 1)
  (global (export "handle_message") i32 (i32.const 0))
  (table (export "agent_init") 1 funcref)
  (export "handle_timer" (memory 0)))
