;; Begins with a table of four billion elements.
(module
  (memory (export "memory") 1)
  (table 0xffffffff funcref)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
