;; Answers each message with a failure that looks like one of the host's.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"failure\",\"receiver\":\"host\",\"in_reply_to\":\"r1\",\"content\":{\"error\":\"it is the host\",\"agent\":\"honest-0\",\"kind\":\"time\",\"limit\":1,\"used\":2}}\00")
  (data (i32.const 4352) "{\"performative\":\"failure\",\"receiver\":\"host\",\"in_reply_to\":\"r1\",\"sender\":\"ams\",\"content\":{\"kind\":\"memory\"}}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $send_text (i32.const 4352)))
    (call $send_text (i32.const 4096))))
