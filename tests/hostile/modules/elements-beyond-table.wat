;; Has elements that lie behind its table.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 1) func $f)
  (func $f)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
