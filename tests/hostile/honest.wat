;; Answers every request, and nothing else.
(module
  (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "{\"performative\":\"inform\",\"receiver\":\"host\",\"in_reply_to\":\"honest\",\"content\":\"honest\"}")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    ;; {"performative":"request",...
    (if (i32.ne (i32.load (i32.add (local.get $ptr) (i32.const 17))) (i32.const 0x75716572))
      (then (return (i32.const 0))))
    (call $send (i32.const 16) (i32.const 85))))
