//! The cost of the sections of modules apart from the bodies of their functions.
//!
//! wasmtime compiles one function more for a module, which sets an instance up: it computes what globals begin with, and
//! writes element and data segments item by item where they cannot be laid out beforehand. Each type takes a trampoline.

use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, Encoding, Operator, Payload, TypeRef,
};

use super::Terms;

/// The items of a table that wasmtime lays out beforehand.
const MAX_LAID_OUT: u64 = 1 << 20;
/// Memory of which wasmtime makes an image, however little of it is data; beyond, half of it has to be. In bytes.
const ALWAYS_AN_IMAGE: u64 = 16 << 20;

/// Numbers of entries in the sections of all modules of a component.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sections {
    types: u64,
    /// Parameters and results of types.
    values: u64,
    /// Imports, exports, tags and globals, and segments and items that are laid out beforehand.
    entries: u64,
    /// Globals that begin with what is computed.
    globals: u64,
    /// Operators of constant expressions after their first.
    operators: u64,
    /// Element segments that code writes, their items, and those of them that it writes to a table.
    segments: u64,
    items: u64,
    table_items: u64,
    /// Data segments that code writes.
    data: u64,
    /// Functions of a component that are made of others, and its types, instances, aliases, imports and exports.
    adapters: u64,
    component_entries: u64,
}

/// State of reading a module.
#[derive(Default)]
pub(super) struct Layout {
    /// The smallest size of its own tables, in items; `None` for one that is imported.
    tables: Vec<Option<u64>>,
    /// Its memories alike, in bytes.
    memories: Vec<Option<Image>>,
    /// True once an element segment has been seen that cannot be laid out beforehand: those after it are not either.
    is_written: bool,
}

/// The data of a memory.
#[derive(Clone, Copy)]
struct Image {
    size: u64,
    data: u64,
    begins: u64,
    ends: u64,
}

impl Sections {
    pub fn add(&mut self, payload: &Payload<'_>, layout: &mut Layout) -> wasmparser::Result<()> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => *layout = Layout::default(),
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    for ty in group?.types() {
                        self.types += 1;
                        if let wasmparser::CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                            self.values += (ty.params().len() + ty.results().len()) as u64;
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    self.entries += 1;
                    match import?.ty {
                        TypeRef::Table(_) => layout.tables.push(None),
                        TypeRef::Memory(_) => layout.memories.push(None),
                        _ => {}
                    }
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    layout.tables.push(Some(table?.ty.initial));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let memory = memory?;
                    let page = 1u64 << memory.page_size_log2.unwrap_or(16).min(16);
                    let size = memory.initial.saturating_mul(page);
                    layout.memories.push(Some(Image { size, data: 0, begins: u64::MAX, ends: 0 }));
                }
            }
            Payload::TagSection(section) => self.entries += u64::from(section.count()),
            Payload::ExportSection(section) => self.entries += u64::from(section.count()),
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    let computed = self.expression(&global?.init_expr)?.is_none();
                    self.entries += 1;
                    self.globals += u64::from(computed);
                }
            }
            Payload::ElementSection(section) => {
                for element in section.clone() {
                    self.add_element(&element?, layout)?;
                }
            }
            Payload::DataSection(section) => self.add_data(section, layout)?,
            Payload::ComponentCanonicalSection(section) => {
                self.adapters += u64::from(section.count());
            }
            Payload::ComponentTypeSection(section) => self.component(section.count()),
            Payload::CoreTypeSection(section) => self.component(section.count()),
            Payload::InstanceSection(section) => self.component(section.count()),
            Payload::ComponentInstanceSection(section) => self.component(section.count()),
            Payload::ComponentAliasSection(section) => self.component(section.count()),
            Payload::ComponentImportSection(section) => self.component(section.count()),
            Payload::ComponentExportSection(section) => self.component(section.count()),
            _ => {}
        }
        Ok(())
    }

    fn component(&mut self, count: u32) {
        self.component_entries += u64::from(count);
    }

    fn add_element(
        &mut self,
        element: &wasmparser::Element<'_>,
        layout: &mut Layout,
    ) -> wasmparser::Result<()> {
        let (items, are_functions) = match &element.items {
            ElementItems::Functions(functions) => (u64::from(functions.count()), true),
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions.clone() {
                    self.expression(&expression?)?;
                }
                (u64::from(expressions.count()), false)
            }
        };
        match &element.kind {
            ElementKind::Declared => self.entries += 1 + items,
            ElementKind::Passive => {
                self.segments += 1;
                self.items += items;
            }
            ElementKind::Active { table_index, offset_expr } => {
                let at = self.expression(offset_expr)?;
                let table = table_index.unwrap_or_default() as usize;
                let table = layout.tables.get(table).copied().flatten();
                let fits = at
                    .zip(table)
                    .is_some_and(|(at, size)| at.saturating_add(items) <= size.min(MAX_LAID_OUT));
                layout.is_written |= !(are_functions && fits);
                if layout.is_written {
                    self.segments += 1;
                    self.table_items += items;
                } else {
                    self.entries += 1 + items;
                }
            }
        }
        Ok(())
    }

    fn add_data(
        &mut self,
        section: &wasmparser::DataSectionReader<'_>,
        layout: &mut Layout,
    ) -> wasmparser::Result<()> {
        let (mut active, mut is_written) = (0, false);
        for data in section.clone() {
            let data = data?;
            self.entries += 1;
            let DataKind::Active { memory_index, offset_expr } = &data.kind else { continue };
            active += 1;
            let at = self.expression(offset_expr)?;
            let image = layout.memories.get_mut(*memory_index as usize).and_then(Option::as_mut);
            let (Some(at), Some(image)) = (at, image) else {
                is_written = true;
                continue;
            };
            let bytes = data.data.len() as u64;
            let end = at.saturating_add(bytes);
            is_written |= end > image.size;
            if bytes > 0 {
                image.data = image.data.saturating_add(bytes);
                image.begins = image.begins.min(at);
                image.ends = image.ends.max(end);
            }
        }
        is_written |= layout.memories.iter().flatten().any(|image| {
            let extent = image.ends.saturating_sub(image.begins);
            extent >= image.data.saturating_mul(2) && extent >= ALWAYS_AN_IMAGE
        });
        if is_written {
            self.data += active;
        }
        Ok(())
    }

    /// Counts an expression, and returns its value where it is one number: 0 for one that is no offset. Returns `None`
    /// where it is computed.
    fn expression(&mut self, expression: &ConstExpr<'_>) -> wasmparser::Result<Option<u64>> {
        let mut reader = expression.get_operators_reader();
        let value = match reader.read()? {
            Operator::I32Const { value } => Some(u64::from(value.cast_unsigned())),
            Operator::I64Const { value } => Some(value.cast_unsigned()),
            Operator::F32Const { .. } | Operator::F64Const { .. } | Operator::V128Const { .. } => {
                Some(0)
            }
            _ => None,
        };
        let mut more = 0;
        while !reader.eof() {
            reader.read()?;
            more += 1;
        }
        // The last one is its end.
        let more = u64::saturating_sub(more, 1);
        self.operators += more;
        Ok(value.filter(|_| more == 0))
    }

    /// In microseconds.
    pub fn micros(&self) -> Terms<8> {
        let [t, v, e, g, n, s, i, w, d, a, c] = self.figures();
        Terms([
            ("its types", 80.0 * t + 12.0 * v),
            ("its imports, exports and other entries", 1.0 * e),
            ("its globals", 8.0 * g + 0.003 * g * g),
            ("its constant expressions", 26.0 * n),
            ("its element segments", 15.0 * s + 10.0 * i + 45.0 * w),
            ("its data segments", 100.0 * d + 0.006 * d * d),
            ("its canonical functions", 300.0 * a),
            ("its component types, instances and aliases", 5.0 * c),
        ])
    }

    /// In bytes.
    pub fn bytes(&self) -> Terms<8> {
        let [t, v, e, g, n, s, i, w, d, a, c] = self.figures();
        Terms([
            ("its types", 8000.0 * t + 200.0 * v),
            ("its imports, exports and other entries", 250.0 * e),
            ("its globals", 4000.0 * g),
            ("its constant expressions", 2700.0 * n),
            ("its element segments", 5000.0 * s + 3000.0 * i + 8000.0 * w),
            ("its data segments", 27_000.0 * d),
            ("its canonical functions", 20_000.0 * a),
            ("its component types, instances and aliases", 1000.0 * c),
        ])
    }

    fn figures(&self) -> [f64; 11] {
        let Sections {
            types,
            values,
            entries,
            globals,
            operators,
            segments,
            items,
            table_items,
            data,
            adapters,
            component_entries,
        } = *self;
        [
            types,
            values,
            entries,
            globals,
            operators,
            segments,
            items,
            table_items,
            data,
            adapters,
            component_entries,
        ]
        .map(|it| it as f64)
    }
}
