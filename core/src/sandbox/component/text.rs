//! Types of the component model as people write them in WIT.

use wasmtime::Engine;
use wasmtime::component::Type;
use wasmtime::component::types::{ComponentFunc, ComponentItem};

/// A function's type: `func(message: string) -> s32`.
pub(super) fn signature(function: &ComponentFunc) -> String {
    let params: Vec<_> =
        function.params().map(|(name, ty)| format!("{name}: {}", type_name(&ty))).collect();
    let result = function.results().next();
    let result = result.map(|ty| format!(" -> {}", type_name(&ty))).unwrap_or_default();
    let kind = if function.async_() { "async func" } else { "func" };
    format!("{kind}({}){result}", params.join(", "))
}

/// A type, in a word or two; what is made of names shows what it is, not what is in it.
pub(super) fn type_name(ty: &Type) -> String {
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
        Type::List(list) => return format!("list<{}>", type_name(&list.ty())),
        Type::Option(option) => return format!("option<{}>", type_name(&option.ty())),
        Type::Result(result) => {
            return match (result.ok(), result.err()) {
                (None, None) => "result".to_owned(),
                (Some(ok), None) => format!("result<{}>", type_name(&ok)),
                (ok, Some(err)) => {
                    let ok = ok.map_or_else(|| "_".to_owned(), |ok| type_name(&ok));
                    format!("result<{ok}, {}>", type_name(&err))
                }
            };
        }
        Type::Tuple(tuple) => {
            let types: Vec<_> = tuple.types().map(|ty| type_name(&ty)).collect();
            return format!("tuple<{}>", types.join(", "));
        }
        Type::Enum(cases) => {
            let names: Vec<_> = cases.names().collect();
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
        .filter_map(|(name, export)| match &export.ty {
            ComponentItem::ComponentFunc(function) => Some((name.to_owned(), signature(function))),
            _ => None,
        })
        .collect()
}
