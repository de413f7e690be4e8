;; Exports functions of wrong types.
(module
  (memory (export "memory") 1)
  (func (export "agent_init") (param i64))
  (func (export "agent_shutdown") (result i32) (i32.const 0))
  (func (export "get_capabilities"))
  (func (export "handle_timer") (param f64) (result i32) (i32.const 0))
  (func (export "handle_message") (param i32) (result i32) (i32.const 0)))
