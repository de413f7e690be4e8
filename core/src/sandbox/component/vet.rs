//! What is refused before wasmtime looks at a component: shapes that no toolchain makes, and that would cost the host
//! its stack or its memory.

use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentImport,
    ComponentInstance, ComponentOuterAliasKind, ComponentType, ComponentTypeRef, Encoding,
    InstanceTypeDeclaration, Parser, Payload,
};

use crate::error::{Error, ErrorKind};

/// Components and component types inside one another: wasmtime reads them with as many calls.
const MAX_DEPTH: usize = 16;
/// Modules and components in it.
const MAX_PARTS: usize = 256;
/// Instances of modules and components that are made of it: wasmtime writes out what each of them does.
const MAX_INSTANCES: u64 = 512;
/// Globals of all its modules together, each of which is memory of the host for every instance.
const MAX_GLOBALS: u64 = 30_000;
/// Functions and exports of all its modules together, which take time and memory to compile and link.
const MAX_FUNCTIONS: u64 = 150_000;
const MAX_EXPORTS: u64 = 50_000;

/// Refuses a component whose shape is out of bounds.
pub(in crate::sandbox) fn vet(wasm: &[u8]) -> Result<(), Error> {
    let mut shape = Shape::default();
    for payload in Parser::new(0).parse_all(wasm) {
        shape.add(wasm, payload.map_err(broken)?).map_err(|wrong| match wrong {
            Wrong::Broken(error) => broken(error),
            Wrong::Refused(why) => refused(why),
        })?;
    }
    Ok(())
}

/// Why a component is refused.
enum Wrong {
    Broken(BinaryReaderError),
    Refused(String),
}

impl From<BinaryReaderError> for Wrong {
    fn from(error: BinaryReaderError) -> Self {
        Wrong::Broken(error)
    }
}

/// What has been seen of a component.
#[derive(Default)]
struct Shape {
    /// The modules and components that have been begun, the outermost first.
    open: Vec<Part>,
    parts: usize,
    globals: u64,
    functions: u64,
    exports: u64,
}

/// A module or component that has been begun.
#[derive(Default)]
struct Part {
    is_component: bool,
    /// How many instances each of the components is made of that it can name.
    components: Vec<u64>,
    /// How many instances it is made of itself.
    instances: u64,
}

impl Shape {
    fn add(&mut self, wasm: &[u8], payload: Payload<'_>) -> Result<(), Wrong> {
        match payload {
            // Every module and component begins with its version, the whole too.
            Payload::Version { encoding, .. } => {
                let is_component = encoding == Encoding::Component;
                self.open.push(Part { is_component, instances: 1, ..Part::default() });
                self.parts += 1;
                bound(self.open.len() as u64, MAX_DEPTH as u64, "components inside one another")?;
                bound(self.parts as u64, MAX_PARTS as u64, "modules and components")?;
            }
            Payload::End(_) => {
                let ended = self.open.pop().unwrap_or_default();
                if let Some(around) = self.open.last_mut().filter(|_| ended.is_component) {
                    around.components.push(ended.instances);
                }
            }
            Payload::GlobalSection(section) => {
                self.globals += u64::from(section.count());
                bound(self.globals, MAX_GLOBALS, "globals")?;
            }
            Payload::FunctionSection(section) => {
                self.functions += u64::from(section.count());
                bound(self.functions, MAX_FUNCTIONS, "functions")?;
            }
            Payload::ExportSection(section) => {
                self.exports += u64::from(section.count());
                bound(self.exports, MAX_EXPORTS, "exports")?;
            }
            Payload::ComponentTypeSection(section) => {
                let types = wasm.get(section.range()).unwrap_or_default();
                bound(depth_of(types)? as u64, MAX_DEPTH as u64, "types inside one another")?;
            }
            Payload::InstanceSection(section) => self.add_instances(u64::from(section.count()))?,
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        let instances = self.component(0, component_index);
                        self.add_instances(instances)?;
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    if let ComponentTypeRef::Component(_) = import?.ty {
                        return Err(Wrong::Refused("it imports a component".to_owned()));
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.add_alias(&alias?)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    // What is exported can be named once more.
                    if export.kind == ComponentExternalKind::Component {
                        let instances = self.component(0, export.index);
                        self.name_component(instances);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), Wrong> {
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let instances = self.component(*count as usize, *index);
                self.name_component(instances);
                Ok(())
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                Err(Wrong::Refused("it takes a component out of an instance".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// How many instances the component of this index is made of, so many components further out. One that
    /// is not there is wasmtime's to refuse.
    fn component(&self, out: usize, index: u32) -> u64 {
        let part = self.open.iter().rev().nth(out);
        part.and_then(|part| part.components.get(index as usize)).copied().unwrap_or(1)
    }

    fn name_component(&mut self, instances: u64) {
        if let Some(part) = self.open.last_mut() {
            part.components.push(instances);
        }
    }

    fn add_instances(&mut self, more: u64) -> Result<(), Wrong> {
        let Some(part) = self.open.last_mut() else { return Ok(()) };
        part.instances = part.instances.saturating_add(more);
        bound(part.instances, MAX_INSTANCES, "instances of modules and components")
    }
}

fn bound(found: u64, most: u64, what: &str) -> Result<(), Wrong> {
    if found <= most {
        return Ok(());
    }
    Err(Wrong::Refused(format!("it has more than {most} {what}")))
}

fn broken(error: BinaryReaderError) -> Error {
    Error::new(ErrorKind::InvalidModule, format!("this is not WebAssembly: {error}"))
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::InvalidModule, format!("this component cannot run here: {why}"))
}

/// What a part of a type section still has to come.
enum Open {
    Types(u32),
    Component(u32),
    Instance(u32),
}

/// How deep the component and instance types of a section are nested. The reader of wasmparser calls itself for each
/// level, so here it only reads what has no levels.
fn depth_of(section: &[u8]) -> Result<usize, BinaryReaderError> {
    let mut reader = BinaryReader::new(section, 0);
    let mut open = vec![Open::Types(reader.read_var_u32()?)];
    let mut deepest = 0;
    while let Some(last) = open.last_mut() {
        let (left, in_component, is_section) = match last {
            Open::Types(left) => (left, false, true),
            Open::Component(left) => (left, true, false),
            Open::Instance(left) => (left, false, false),
        };
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        if !is_section {
            let kind = reader.clone().read_u8()?;
            if kind == 0x03 && in_component {
                reader.read_u8()?;
                let _ = reader.read::<ComponentImport<'_>>()?;
                continue;
            }
            if kind != 0x01 {
                // Nothing else that is declared has levels.
                drop(reader.read::<InstanceTypeDeclaration<'_>>()?);
                continue;
            }
            reader.read_u8()?;
        }
        let before = reader.clone();
        match reader.read_u8()? {
            0x41 => open.push(Open::Component(reader.read_var_u32()?)),
            0x42 => open.push(Open::Instance(reader.read_var_u32()?)),
            _ => {
                reader = before;
                drop(reader.read::<ComponentType<'_>>()?);
            }
        }
        deepest = deepest.max(open.len() - 1);
        if deepest > MAX_DEPTH {
            break;
        }
    }
    Ok(deepest)
}
