;; Calls itself without end in its init.
(module
  (memory (export "memory") 1)
  (func $deep (result i32) (i32.add (i32.const 1) (call $deep)))
  (func (export "agent_init") (result i32) (call $deep))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
