//! Types of the component model as people write them in WIT.

use wasmtime::Engine;
use wasmtime::component::Type;
use wasmtime::component::types::{ComponentFunc, ComponentItem};

use crate::error::shown;

/// How much of a type is written, in parts: names, cases, and types inside it.
const MAX_PARTS: usize = 40;
/// Functions of one interface that are looked at.
const MAX_FUNCTIONS: usize = 1000;

/// A function's type: `func(message: string) -> s32`.
pub(super) fn signature(function: &ComponentFunc) -> String {
    let mut left = MAX_PARTS;
    let params = function.params().take(MAX_PARTS);
    let params: Vec<_> =
        params.map(|(name, ty)| format!("{}: {}", shown(name), written(&ty, &mut left))).collect();
    let result = function.results().next();
    let result = result.map(|ty| format!(" -> {}", written(&ty, &mut left))).unwrap_or_default();
    let kind = if function.async_() { "async func" } else { "func" };
    format!("{kind}({}){result}", params.join(", "))
}

/// A type, in a word or two; what is made of names shows what it is, not what is in it.
pub(super) fn type_name(ty: &Type) -> String {
    written(ty, &mut MAX_PARTS.clone())
}

fn written(ty: &Type, left: &mut usize) -> String {
    let Some(fewer) = left.checked_sub(1) else { return "…".to_owned() };
    *left = fewer;
    let name = match ty {
        Type::Bool => "bool",
        Type::S8 => "s8",
        Type::U8 => "u8",
        Type::S16 => "s16",
        Type::U16 => "u16",
        Type::S32 => "s32",
        Type::U32 => "u32",
        Type::S64 => "s64",
        Type::U64 => "u64",
        Type::Float32 => "f32",
        Type::Float64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::List(list) => return format!("list<{}>", written(&list.ty(), left)),
        Type::Option(option) => return format!("option<{}>", written(&option.ty(), left)),
        Type::Result(result) => {
            return match (result.ok(), result.err()) {
                (None, None) => "result".to_owned(),
                (Some(ok), None) => format!("result<{}>", written(&ok, left)),
                (ok, Some(err)) => {
                    let ok = ok.map_or_else(|| "_".to_owned(), |ok| written(&ok, left));
                    format!("result<{ok}, {}>", written(&err, left))
                }
            };
        }
        Type::Tuple(tuple) => {
            let types = tuple.types().take(MAX_PARTS);
            let types: Vec<_> = types.map(|ty| written(&ty, left)).collect();
            return format!("tuple<{}>", types.join(", "));
        }
        Type::Enum(cases) => {
            let names: Vec<_> = cases.names().take(*left).map(shown).collect();
            *left -= names.len();
            return format!("enum {{ {} }}", names.join(", "));
        }
        Type::Record(_) => "record",
        Type::Variant(_) => "variant",
        Type::Flags(_) => "flags",
        Type::Own(_) => "own resource",
        Type::Borrow(_) => "borrowed resource",
        _ => "another type",
    };
    name.to_owned()
}

/// What an import or export is, in a word.
pub(super) fn kind(item: &ComponentItem) -> &'static str {
    match item {
        ComponentItem::ComponentFunc(_) => "function",
        ComponentItem::CoreFunc(_) => "core function",
        ComponentItem::Module(_) => "module",
        ComponentItem::Component(_) => "component",
        ComponentItem::ComponentInstance(_) => "interface",
        ComponentItem::Type(_) => "type",
        ComponentItem::Resource(_) => "resource",
    }
}

/// An import or export, in a word or as its type.
pub(in crate::sandbox) fn describe(item: &ComponentItem) -> String {
    match item {
        ComponentItem::ComponentFunc(function) => signature(function),
        other => kind(other).to_owned(),
    }
}

/// The functions of an interface, with their types.
pub(in crate::sandbox) fn functions(
    engine: &Engine,
    item: &ComponentItem,
) -> Vec<(String, String)> {
    let ComponentItem::ComponentInstance(interface) = item else { return Vec::new() };
    interface
        .exports(engine)
        .take(MAX_FUNCTIONS)
        .filter_map(|(name, export)| match &export.ty {
            ComponentItem::ComponentFunc(function) => Some((shown(name), signature(function))),
            _ => None,
        })
        .collect()
}
