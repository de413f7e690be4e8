//! The agents that are measured, beside those of the tests.

use wasm_encoder::{
    BlockType, CodeSection, ExportKind, ExportSection, Function, FunctionSection, Instruction,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// An agent that answers whatever it is sent with the message that is its configuration, without looking at
/// what it got: one module for all of them.
pub const TRIVIAL: &str = r#"(module
    (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
    (import "caxton" "data_size" (func $size (param i32 i32) (result i32)))
    (import "caxton" "load_data" (func $load (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "config")
    (global $len (mut i32) (i32.const 0))
    (global $inbox (mut i32) (i32.const 65536))
    (func (export "agent_init") (result i32)
        (global.set $len (call $size (i32.const 16) (i32.const 6)))
        ;; Room for the message, and as much for the inbox.
        (drop (memory.grow (i32.add
            (i32.mul (i32.shr_u (global.get $len) (i32.const 15)) (i32.const 2)) (i32.const 2))))
        (global.set $inbox (i32.add (i32.const 69632) (global.get $len)))
        (drop (call $load (i32.const 16) (i32.const 6) (i32.const 1024) (global.get $len)))
        (i32.const 0))
    (func (export "caxton_alloc") (param i32) (result i32) (global.get $inbox))
    (func (export "caxton_free") (param i32 i32))
    (func (export "handle_message") (param i32 i32) (result i32)
        (call $send (i32.const 1024) (global.get $len))))"#;

/// The message that such an agent sends: `text` is what its content holds.
pub fn message(to: &str, text: &str) -> String {
    format!(r#"{{"performative":"inform","receiver":"{to}","content":{{"n":1,"text":"{text}"}}}}"#)
}

/// An agent that stores the last bytes of what it was sent, its id and the time, and sends a message.
pub fn storing(to: &str) -> String {
    let message = format!(r#"{{"performative":"inform","receiver":"{to}","content":1}}"#);
    let (escaped, len) = (message.replace('"', "\\22"), message.len());
    format!(
        r#"(module
    (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
    (import "caxton" "store_data" (func $store (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 16) "{escaped}")
    (data (i32.const 8) "key")
    (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
        (drop (call $store (i32.const 8) (i32.const 3)
            (i32.sub (i32.add (local.get $ptr) (local.get $len)) (i32.const 64)) (i32.const 64)))
        (drop (call $send (i32.const 16) (i32.const {len})))
        (i32.const 0)))"#
    )
}

/// A module of about `bytes` bytes of code, different for each `nonce`: an agent that does nothing, and
/// functions that nobody calls but the compiler has to read.
pub fn of_size(bytes: usize, nonce: u64) -> Vec<u8> {
    let body = |number: u64| {
        let mut function = Function::new([(1, ValType::I64)]);
        function.instructions().local_get(0).i64_extend_i32_u().local_set(2);
        function.instruction(&Instruction::Loop(BlockType::Empty));
        for step in 0..24_u64 {
            let mut sink = function.instructions();
            sink.local_get(2).i64_const((number * 31 + step * 7 + 1000) as i64).i64_mul();
            sink.local_get(1).i64_extend_i32_u().i64_xor().local_set(2);
        }
        function.instructions().local_get(2).i64_const(nonce as i64).i64_eq().br_if(0).end();
        function.instructions().local_get(2).i32_wrap_i64().end();
        function
    };
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut handle = Function::new([]);
    handle.instructions().i32_const(0).end();
    functions.function(0);
    code.function(&handle);
    let each = body(0).byte_len() + 4;
    for number in 0..bytes.div_ceil(each) as u64 {
        functions.function(0);
        code.function(&body(number));
    }
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32, ValType::I32], [ValType::I32]);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("handle_message", ExportKind::Func, 0);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}
