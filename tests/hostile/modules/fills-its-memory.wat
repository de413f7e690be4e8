;; Fills 50 MB by one instruction at each second timer, and then traps, so that the next instance has
;; new pages: the system finds them anew each time.
(module
  (import "caxton" "set_timer" (func $timer (param i64) (result i32)))
  (memory (export "memory") 780)
  (global $again (mut i32) (i32.const 0))
  (func (export "agent_init") (result i32)
    (drop (call $timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (if (global.get $again)
      (then
        (memory.fill (i32.const 65536) (i32.const 1) (i32.const 50000000))
        (unreachable)))
    (global.set $again (i32.const 1))
    (drop (call $timer (i64.const 0)))
    (drop (call $timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param i32 i32) (result i32)
    (i32.const 0)))
