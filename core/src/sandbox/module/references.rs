//! References to what is outside: what loading makes of them.
//!
//! The host gives no agent an `externref`, and its functions that take or give one, wasm-bindgen's, trap whenever they are
//! called. So there is none but null, and what a module does with it it can do with a `funcref` as well, which the engine
//! keeps without a heap of its own for every instance: there are fewer of those than instances. Both types are one byte
//! in the binary form, so that nothing in a module moves.

use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, ConstExpr, ElementItems, HeapType, Operator,
    Parser, Payload, RefType, ValType,
};

const EXTERNREF: u8 = 0x6f;
const FUNCREF: u8 = 0x70;
/// Where a type of a function begins.
const FUNCTION: u8 = 0x60;

/// The module without `externref`s, if it keeps any in a table or global. One that writes them in another way than
/// toolchains do, in several bytes, stays as it is.
pub(in crate::sandbox) fn without_externref(wasm: Vec<u8>) -> Vec<u8> {
    match places(&wasm) {
        Ok(Some(places)) => change(wasm, &places),
        _ => wasm,
    }
}

fn change(mut wasm: Vec<u8>, places: &[usize]) -> Vec<u8> {
    let all_are = places.iter().all(|place| wasm.get(*place) == Some(&EXTERNREF));
    for place in places.iter().filter(|_| all_are) {
        if let Some(byte) = wasm.get_mut(*place) {
            *byte = FUNCREF;
        }
    }
    wasm
}

/// Where the type stands; `None` where no table or global has it, or where it may stand that is not known.
fn places(wasm: &[u8]) -> Result<Option<Vec<usize>>, BinaryReaderError> {
    let mut places = Places::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => {
                let range = section.range();
                let types = wasm.get(range.clone()).unwrap_or_default();
                if !places.add_types(&mut BinaryReader::new(types, range.start))? {
                    return Ok(None);
                }
            }
            Payload::TableSection(section) => {
                for table in section.into_iter_with_offsets() {
                    let (at, table) = table?;
                    places.is_kept |=
                        places.add_if(table.ty.element_type == RefType::EXTERNREF, at);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.into_iter_with_offsets() {
                    let (at, global) = global?;
                    places.is_kept |=
                        places.add_if(global.ty.content_type == ValType::EXTERNREF, at);
                    places.add_value(&global.init_expr)?;
                }
                // What comes after tables and globals is not looked at for nothing.
                if !places.is_kept {
                    return Ok(None);
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    if let ElementItems::Expressions(ty, values) = element?.items {
                        let before = values.range().start.saturating_sub(1);
                        places.add_if(ty == RefType::EXTERNREF, before);
                        for value in values {
                            places.add_value(&value?)?;
                        }
                    }
                }
            }
            Payload::CodeSectionStart { .. } if !places.is_kept => return Ok(None),
            Payload::CodeSectionEntry(body) => {
                let mut reader = body.get_binary_reader();
                for _ in 0..reader.read_var_u32()? {
                    reader.read_var_u32()?;
                    let at = reader.original_position();
                    places.add_if(reader.read::<ValType>()? == ValType::EXTERNREF, at);
                }
                for operator in body.get_operators_reader()?.into_iter_with_offsets() {
                    let (operator, at) = operator?;
                    places.add_operator(&operator, at);
                }
            }
            _ => {}
        }
    }
    Ok(places.is_kept.then_some(places.found))
}

#[derive(Default)]
struct Places {
    found: Vec<usize>,
    /// Whether a table or a global is of the type.
    is_kept: bool,
}

impl Places {
    fn add_if(&mut self, is_one: bool, at: usize) -> bool {
        if is_one {
            self.found.push(at);
        }
        is_one
    }

    /// Those in a section of types; whether it has only functions.
    fn add_types(&mut self, types: &mut BinaryReader<'_>) -> Result<bool, BinaryReaderError> {
        for _ in 0..types.read_var_u32()? {
            if types.read_u8()? != FUNCTION {
                return Ok(false);
            }
            for _ in 0..2 {
                for _ in 0..types.read_var_u32()? {
                    let at = types.original_position();
                    let ty = types.read::<ValType>()?;
                    self.add_if(ty == ValType::EXTERNREF, at);
                }
            }
        }
        Ok(true)
    }

    fn add_value(&mut self, value: &ConstExpr<'_>) -> Result<(), BinaryReaderError> {
        for operator in value.get_operators_reader().into_iter_with_offsets() {
            let (operator, at) = operator?;
            self.add_operator(&operator, at);
        }
        Ok(())
    }

    fn add_operator(&mut self, operator: &Operator<'_>, at: usize) {
        let (is_one, after) = match operator {
            Operator::RefNull { hty } => (*hty == HeapType::EXTERN, 1),
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                (*blockty == BlockType::Type(ValType::EXTERNREF), 1)
            }
            Operator::TryTable { try_table } => {
                (try_table.ty == BlockType::Type(ValType::EXTERNREF), 1)
            }
            // After the number of types, which is one.
            Operator::TypedSelect { ty } => (*ty == ValType::EXTERNREF, 2),
            _ => return,
        };
        self.add_if(is_one, at.saturating_add(after));
    }
}

#[cfg(test)]
mod tests;
