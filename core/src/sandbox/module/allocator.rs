//! The allocators that modules export, through which messages reach them.

use wasmtime::{AsContextMut, ExternType, Instance, Module, TypedFunc, ValType};

use super::facts::is_named;

/// An allocator's names, in the order in which they are looked for.
#[derive(Debug, Clone)]
pub(in crate::sandbox) enum Allocator {
    /// `alloc(len) -> ptr`, with `free(ptr, len)` or `free(ptr)`.
    Sized { alloc: String, free: Option<Free> },
    /// `alloc(len, align) -> ptr`, with `free(ptr, len, align)`: wasm-bindgen's.
    Aligned { alloc: String, free: Option<String> },
    /// AssemblyScript's `__new(len, class)`, `__pin(ptr)` and `__unpin(ptr)`.
    AssemblyScript,
    /// `realloc(old, old_len, align, len) -> ptr`, of the component model.
    Realloc { realloc: String },
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) enum Free {
    Pointer(String),
    PointerAndLength(String),
}

const I32: ValType = ValType::I32;

impl Allocator {
    /// The first allocator in the order of the agent interface that has the types it should have.
    pub fn find(module: &Module) -> Option<Self> {
        let function = |name: &str, params: usize, result: bool| {
            module.exports().find_map(|export| {
                let ExternType::Func(ty) = export.ty() else {
                    return None;
                };
                let fits = is_named(export.name(), name)
                    && ty.params().len() == params
                    && ty.params().all(|param| param.matches(&I32))
                    && ty.results().len() == usize::from(result)
                    && ty.results().all(|result| result.matches(&I32));
                fits.then(|| export.name().to_owned())
            })
        };
        if let Some(alloc) = function("caxton_alloc", 1, true) {
            let free = function("caxton_free", 2, false).map(Free::PointerAndLength);
            return Some(Allocator::Sized { alloc, free });
        }
        if let Some(alloc) = function("__wbindgen_malloc", 2, true) {
            return Some(Allocator::Aligned { alloc, free: function("__wbindgen_free", 3, false) });
        }
        if let Some(alloc) = function("__wbindgen_malloc", 1, true) {
            let free = function("__wbindgen_free", 2, false).map(Free::PointerAndLength);
            return Some(Allocator::Sized { alloc, free });
        }
        if let Some(alloc) = function("malloc", 1, true) {
            let free = function("free", 1, false).map(Free::Pointer);
            return Some(Allocator::Sized { alloc, free });
        }
        let names = [("__new", 2, true), ("__pin", 1, true), ("__unpin", 1, false)];
        if names.iter().all(|(name, params, result)| function(name, *params, *result).is_some()) {
            return Some(Allocator::AssemblyScript);
        }
        Some(Allocator::Realloc { realloc: function("cabi_realloc", 4, true)? })
    }
}

/// The functions of an [`Allocator`] in one instance.
pub(in crate::sandbox) enum Functions {
    Sized {
        alloc: TypedFunc<i32, i32>,
        free: Option<FreeFunction>,
    },
    Aligned {
        alloc: TypedFunc<(i32, i32), i32>,
        free: Option<TypedFunc<(i32, i32, i32), ()>>,
    },
    AssemblyScript {
        new: TypedFunc<(i32, i32), i32>,
        pin: TypedFunc<i32, i32>,
        unpin: TypedFunc<i32, ()>,
    },
    Realloc {
        realloc: TypedFunc<(i32, i32, i32, i32), i32>,
    },
}

pub(in crate::sandbox) enum FreeFunction {
    Pointer(TypedFunc<i32, ()>),
    PointerAndLength(TypedFunc<(i32, i32), ()>),
}

impl Functions {
    /// Looks the functions up in an instance of the module that `allocator` was found in.
    pub fn bind(
        allocator: &Allocator,
        instance: &Instance,
        mut store: impl AsContextMut,
    ) -> wasmtime::Result<Self> {
        let store = &mut store;
        Ok(match allocator {
            Allocator::Sized { alloc, free } => Functions::Sized {
                alloc: instance.get_typed_func(&mut *store, alloc)?,
                free: match free {
                    None => None,
                    Some(Free::Pointer(name)) => {
                        Some(FreeFunction::Pointer(instance.get_typed_func(&mut *store, name)?))
                    }
                    Some(Free::PointerAndLength(name)) => Some(FreeFunction::PointerAndLength(
                        instance.get_typed_func(&mut *store, name)?,
                    )),
                },
            },
            Allocator::Aligned { alloc, free } => Functions::Aligned {
                alloc: instance.get_typed_func(&mut *store, alloc)?,
                free: match free {
                    Some(name) => Some(instance.get_typed_func(&mut *store, name)?),
                    None => None,
                },
            },
            Allocator::AssemblyScript => Functions::AssemblyScript {
                new: instance.get_typed_func(&mut *store, "__new")?,
                pin: instance.get_typed_func(&mut *store, "__pin")?,
                unpin: instance.get_typed_func(&mut *store, "__unpin")?,
            },
            Allocator::Realloc { realloc } => {
                Functions::Realloc { realloc: instance.get_typed_func(&mut *store, realloc)? }
            }
        })
    }

    /// Allocates `len` bytes. The address is the guest's word, and not to be believed.
    pub async fn allocate<T: Send>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        len: i32,
    ) -> wasmtime::Result<i32> {
        match self {
            Functions::Sized { alloc, .. } => alloc.call_async(&mut store, len).await,
            Functions::Aligned { alloc, .. } => alloc.call_async(&mut store, (len, 1)).await,
            Functions::AssemblyScript { new, pin, .. } => {
                // Class 1 is AssemblyScript's String; as a bare block it is never looked into.
                let block = new.call_async(&mut store, (len, 1)).await?;
                pin.call_async(&mut store, block).await
            }
            Functions::Realloc { realloc } => realloc.call_async(&mut store, (0, 0, 1, len)).await,
        }
    }

    /// Gives a block back.
    pub async fn free<T: Send>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        block: i32,
        len: i32,
    ) -> wasmtime::Result<()> {
        match self {
            Functions::Sized { free: Some(FreeFunction::Pointer(free)), .. } => {
                free.call_async(&mut store, block).await
            }
            Functions::Sized { free: Some(FreeFunction::PointerAndLength(free)), .. } => {
                free.call_async(&mut store, (block, len)).await
            }
            Functions::Aligned { free: Some(free), .. } => {
                free.call_async(&mut store, (block, len, 1)).await
            }
            Functions::AssemblyScript { unpin, .. } => unpin.call_async(&mut store, block).await,
            Functions::Realloc { realloc } => {
                realloc.call_async(&mut store, (block, len, 1, 0)).await.map(drop)
            }
            Functions::Sized { free: None, .. } | Functions::Aligned { free: None, .. } => Ok(()),
        }
    }
}
