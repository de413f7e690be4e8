//! Interruptible code: loading cuts into pieces whatever takes long between two looks at the clock.
//!
//! Long operations on memory are done piece by piece, and a long way without a loop gets looks at the clock (`straight.rs`).
//! The engine looks at the clock before a `memory.copy`, a `memory.fill` or a `memory.init`, and not within
//! it: one of 64 MiB, whose pages the system has to find first, takes tens of milliseconds. So a module gets
//! functions that do the same in pieces, and calls one of them wherever the length is not known to be small.
//! An operation that is out of bounds traps before it writes anything, as it did.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wasm_encoder::{
    BlockType, Encode, Function, Instruction, InstructionSink, Module, NameMap, NameSection,
    SectionId, ValType,
};
use wasmparser::{BinaryReaderError, DataKind, FunctionBody, Operator, Parser, Payload};

use super::rewrite::{Code, gives_offsets, imported_functions, one_more, put};
use super::straight::{LOOK, Straight};

/// The bytes that are dealt with between two looks at the clock at most.
const PIECE: u32 = 256 << 10;
/// Bytes of a page of memory, as a shift.
const PAGE_SHIFT: i64 = 16;
/// The type of the functions that are added: destination, source or value, and length.
const PARAMS: [ValType; 3] = [ValType::I32; 3];

/// The module with its long operations on memory in pieces, and looks at the clock in its straight-line code. `wasm` has to
/// be valid.
pub(in crate::sandbox) fn in_pieces(wasm: &[u8]) -> Result<Cow<'_, [u8]>, BinaryReaderError> {
    let plan = Plan::read(wasm)?;
    if plan.added.is_empty() && !plan.is_straight {
        return Ok(Cow::Borrowed(wasm));
    }
    Ok(Cow::Owned(plan.rewrite(wasm)?))
}

/// An operation that may be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Long {
    Copy,
    Fill,
    /// Of the data segment with this index.
    Init(u32),
}

/// A place at which a function is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An operation whose length is not known to be small.
    Long(Long),
    /// A look at the clock is due.
    Look,
}

/// Facts that are needed before a module is rewritten.
#[derive(Default)]
struct Plan {
    types: u32,
    imported_functions: u32,
    functions: u32,
    /// The lengths of data segments that are longer than a piece, by their indices.
    segments: BTreeMap<u32, u32>,
    /// Which functions are added, in their order.
    added: Vec<Long>,
    /// True if a function needs a look at the clock.
    is_straight: bool,
}

impl Plan {
    fn read(wasm: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut plan = Plan::default();
        let mut used = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => plan.types = types.count(),
                Payload::ImportSection(imports) => {
                    plan.imported_functions += imported_functions(imports)?;
                }
                Payload::FunctionSection(functions) => plan.functions = functions.count(),
                Payload::CodeSectionEntry(body) => {
                    for_each(&body, |place, _, _| match place {
                        Place::Look => plan.is_straight = true,
                        Place::Long(long) => {
                            if let Err(at) = used.binary_search(&long) {
                                used.insert(at, long);
                            }
                        }
                    })?;
                }
                Payload::DataSection(segments) => {
                    for (index, segment) in (0..).zip(segments) {
                        let segment = segment?;
                        let bytes = u32::try_from(segment.data.len()).unwrap_or(u32::MAX);
                        if matches!(segment.kind, DataKind::Passive) && bytes > PIECE {
                            plan.segments.insert(index, bytes);
                        }
                    }
                }
                _ => {}
            }
        }
        let has_long = |long: &Long| match long {
            Long::Copy | Long::Fill => true,
            Long::Init(segment) => plan.segments.contains_key(segment),
        };
        used.retain(has_long);
        plan.added = used;
        Ok(plan)
    }

    /// The index of the function that does this in pieces.
    fn index_of(&self, long: Long) -> Option<u32> {
        let at = self.added.binary_search(&long).ok()?;
        Some(self.imported_functions + self.functions + at as u32)
    }

    fn rewrite(&self, wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
        let mut module = Module::new();
        let mut code = Code::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Payload::CodeSectionEntry(body) = &payload {
                if let Some(section) = code.add(&self.body(body)?) {
                    put(&mut module, SectionId::Code as u8, &section);
                } else if code.done == self.functions {
                    self.finish(&mut code, &mut module);
                }
                continue;
            }
            let Some((id, range)) = payload.as_section() else { continue };
            let data = wasm.get(range).unwrap_or_default();
            match &payload {
                Payload::TypeSection(_) if !self.added.is_empty() => {
                    let mut entry = vec![0x60];
                    PARAMS.as_slice().encode(&mut entry);
                    0u32.encode(&mut entry);
                    put(&mut module, id, &one_more(data, &entry)?);
                }
                Payload::FunctionSection(_) => {
                    let mut section = data.to_vec();
                    for _ in &self.added {
                        let mut entry = Vec::new();
                        self.types.encode(&mut entry);
                        section = one_more(&section, &entry)?;
                    }
                    put(&mut module, id, &section);
                }
                Payload::CodeSectionStart { count, .. } => {
                    code = Code::new(count.saturating_add(self.added.len() as u32));
                }
                Payload::CustomSection(custom) if gives_offsets(custom.name()) => {}
                _ => put(&mut module, id, data),
            }
        }
        if !self.added.is_empty() {
            module.section(&self.names());
        }
        Ok(module.finish())
    }

    /// A body that calls what does it in pieces, and looks at the clock.
    fn body(&self, body: &FunctionBody<'_>) -> Result<Vec<u8>, BinaryReaderError> {
        let (old, begin) = (body.as_bytes(), body.range().start);
        let mut new = Vec::with_capacity(old.len());
        let mut copied = 0;
        for_each(body, |place, at, end| {
            let (at, end) = (at.saturating_sub(begin), end.saturating_sub(begin));
            let function = match place {
                Place::Look => None,
                Place::Long(long) => match self.index_of(long) {
                    Some(function) => Some(function),
                    None => return,
                },
            };
            new.extend_from_slice(old.get(copied..at).unwrap_or_default());
            match function {
                Some(function) => Instruction::Call(function).encode(&mut new),
                None => new.extend_from_slice(&LOOK),
            }
            copied = end;
        })?;
        new.extend_from_slice(old.get(copied..).unwrap_or_default());
        Ok(new)
    }

    /// Adds the functions, and the section with them.
    fn finish(&self, code: &mut Code, module: &mut Module) {
        for long in &self.added {
            let function = self.function(*long).into_raw_body();
            if let Some(section) = code.add(&function) {
                put(module, SectionId::Code as u8, &section);
            }
        }
    }

    /// The names of the added functions, for backtraces.
    fn names(&self) -> NameSection {
        let mut functions = NameMap::new();
        for long in &self.added {
            let name = match long {
                Long::Copy => "memory.copy",
                Long::Fill => "memory.fill",
                Long::Init(_) => "memory.init",
            };
            functions.append(self.index_of(*long).unwrap_or_default(), name);
        }
        let mut names = NameSection::new();
        names.functions(&functions);
        names
    }

    /// The function that does this in pieces.
    fn function(&self, long: Long) -> Function {
        let mut function = Function::new([]);
        let mut code = function.instructions();
        // At once, if that is short or traps.
        code.local_get(2).i32_const(PIECE as i32).i32_le_u();
        self.is_beyond(&mut code, 0, None).i32_or();
        match long {
            Long::Copy => drop(self.is_beyond(&mut code, 1, None).i32_or()),
            Long::Fill => {}
            Long::Init(segment) => {
                let bytes = self.segments.get(&segment).copied().unwrap_or_default();
                self.is_beyond(&mut code, 1, Some(bytes)).i32_or();
            }
        }
        code.if_(BlockType::Empty);
        code.local_get(0).local_get(1).local_get(2);
        long.put(&mut code).return_().end();
        if long == Long::Copy {
            // From the end, where its beginning would be overwritten before it is copied.
            code.local_get(0).local_get(1).i32_gt_u().if_(BlockType::Empty);
            code.loop_(BlockType::Empty);
            code.local_get(2).i32_const(PIECE as i32).i32_sub().local_set(2);
            code.local_get(0).local_get(2).i32_add().local_get(1).local_get(2).i32_add();
            code.i32_const(PIECE as i32);
            long.put(&mut code);
            again(&mut code);
            code.local_get(0).local_get(1).local_get(2);
            long.put(&mut code).return_().end();
        }
        code.loop_(BlockType::Empty);
        code.local_get(0).local_get(1).i32_const(PIECE as i32);
        long.put(&mut code);
        let moving: &[u32] = if long == Long::Fill { &[0] } else { &[0, 1] };
        for local in moving {
            code.local_get(*local).i32_const(PIECE as i32).i32_add().local_set(*local);
        }
        code.local_get(2).i32_const(PIECE as i32).i32_sub().local_set(2);
        again(&mut code);
        code.local_get(0).local_get(1).local_get(2);
        long.put(&mut code).end();
        function
    }

    /// Adds a test: the range that begins at this parameter ends beyond so many bytes, or beyond memory.
    fn is_beyond<'a, 'b>(
        &self,
        code: &'a mut InstructionSink<'b>,
        begin: u32,
        bytes: Option<u32>,
    ) -> &'a mut InstructionSink<'b> {
        code.local_get(begin).i64_extend_i32_u().local_get(2).i64_extend_i32_u().i64_add();
        match bytes {
            Some(bytes) => code.i64_const(i64::from(bytes)),
            None => code.memory_size(0).i64_extend_i32_u().i64_const(PAGE_SHIFT).i64_shl(),
        };
        code.i64_gt_u()
    }
}

/// Ends a loop that goes on while more than a piece is left.
fn again(code: &mut InstructionSink<'_>) {
    code.local_get(2).i32_const(PIECE as i32).i32_gt_u().br_if(0).end();
}

impl Long {
    /// Of the memory that an agent has; others have names for themselves.
    fn of(operator: &Operator<'_>) -> Option<Self> {
        match operator {
            Operator::MemoryCopy { dst_mem: 0, src_mem: 0 } => Some(Long::Copy),
            Operator::MemoryFill { mem: 0 } => Some(Long::Fill),
            Operator::MemoryInit { data_index, mem: 0 } => Some(Long::Init(*data_index)),
            _ => None,
        }
    }

    fn put<'a, 'b>(self, code: &'a mut InstructionSink<'b>) -> &'a mut InstructionSink<'b> {
        match self {
            Long::Copy => code.memory_copy(0, 0),
            Long::Fill => code.memory_fill(0),
            Long::Init(segment) => code.memory_init(0, segment),
        }
    }
}

/// Calls `take` with each place at which a function may have to be changed, and where what is there begins and ends.
fn for_each(
    body: &FunctionBody<'_>,
    mut take: impl FnMut(Place, usize, usize),
) -> Result<(), BinaryReaderError> {
    let mut operators = body.get_operators_reader()?;
    let (mut is_small, mut straight) = (false, Straight::new());
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset()?;
        if straight.next(&operator) {
            take(Place::Look, at, at);
        }
        if let Some(long) = Long::of(&operator)
            && !is_small
        {
            take(Place::Long(long), at, operators.original_position());
        }
        is_small = matches!(operator, Operator::I32Const { value } if value as u32 <= PIECE);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
