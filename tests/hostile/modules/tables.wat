;; Brings more tables than a module may have.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (table 1 funcref)
  (table 1 funcref)
  (table 1 funcref)
  (table 1 funcref)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
