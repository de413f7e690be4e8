;; Answers everything, failures too, with a failure to the agent named in its config; answers 1 once fifty came.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "config\00")
  (data (i32.const 4200) "{\"performative\":\"failure\",\"receiver\":\00")
  (global $came (mut i32) (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $end i32)
    (if (call $is_request (local.get $ptr))
      (then
        (call $code (i32.ge_u (global.get $came) (i32.const 50)))
        (return (call $answer))))
    (global.set $came (i32.add (global.get $came) (i32.const 1)))
    ;; The name in the config is JSON already.
    (local.set $end (i32.add (i32.const 4237) (call $load (i32.const 4096) (i32.const 6) (i32.const 4237) (i32.const 64))))
    (i32.store8 (local.get $end) (i32.const 0x7d))
    (drop (call $send (i32.const 4200) (i32.sub (i32.add (local.get $end) (i32.const 1)) (i32.const 4200))))
    (i32.const 0)))
