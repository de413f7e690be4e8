//! What compiling a module will cost, estimated by reading it; it is checked for validity on the way.
//!
//! Some of what the compiler does grows faster than a function: loops times locals, for one. The terms of the estimate
//! were fitted to what functions of each kind took, with a margin: what is above a limit is refused before anything is
//! compiled, and what is below takes hardly longer than it says. What surrounds the functions counts as one more function.

use std::num::NonZeroUsize;
use std::ops::AddAssign;
use std::thread;

use wasmparser::CompositeInnerType::Func;
use wasmparser::{
    BinaryReader, Catch, CompositeType, FuncToValidate, FuncValidatorAllocations, FunctionBody,
    Operator, Parser, Payload, SubType, ValidPayload, Validator, ValidatorResources, WasmFeatures,
    WasmModuleResources,
};

use sections::{Layout, Sections};

use super::module::Straight;
use super::template::cannot_run;
use crate::compile_limits::CompileLimits;
use crate::error::{Error, ErrorKind};

mod sections;

/// What modules and components may use: what the engine's configuration allows, which its own validation has the last
/// word on.
const FEATURES: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::CM_ASYNC)
    .difference(WasmFeatures::GC)
    .difference(WasmFeatures::FUNCTION_REFERENCES)
    .difference(WasmFeatures::THREADS)
    .difference(WasmFeatures::MEMORY64);

/// Code below this is read on the calling thread alone, in bytes.
const SMALL_CODE: usize = 1 << 20;
/// The threads that read the code of a module at most.
const MAX_READERS: usize = 4;

/// The values that calls, blocks and branches of a module take and give, beyond which it is read no further: two bytes may
/// name a thousand of them, and each is looked at. It costs more than any limit then, and the compiler itself sees whether
/// it is valid where there is none.
const MAX_VALUES: u64 = 300_000_000;
/// More operators than any module has.
const ENDLESS: u64 = 1 << 50;
/// The catch clauses that may be in force at one point of a function: the engine looks at all of them for each call on the
/// stack when something is thrown, and nothing interrupts it.
const MAX_CLAUSES: u64 = 64;
/// What a function and an operator leave behind, in bytes; half of the first where nothing outside calls it.
const KEPT_FUNCTION: u64 = 12_000;
const KEPT_OPERATOR: u64 = 30;

/// What compiling a module will cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Estimate {
    /// Of all functions, in microseconds.
    pub micros: u64,
    /// What all functions leave behind until the module is whole, in bytes.
    pub kept_bytes: u64,
    /// Of the function that takes longest, in microseconds.
    pub function_micros: u64,
    /// Of the function that takes most memory, in bytes.
    pub function_bytes: u64,
}

impl AddAssign for Estimate {
    fn add_assign(&mut self, other: Self) {
        self.micros = self.micros.saturating_add(other.micros);
        self.kept_bytes = self.kept_bytes.saturating_add(other.kept_bytes);
        self.function_micros = self.function_micros.max(other.function_micros);
        self.function_bytes = self.function_bytes.max(other.function_bytes);
    }
}

impl Estimate {
    /// As the cache of compiled modules keeps it.
    pub fn to_bytes(self) -> [u8; 32] {
        let Estimate { micros, kept_bytes, function_micros, function_bytes } = self;
        let mut bytes = [0; 32];
        let figures = [micros, kept_bytes, function_micros, function_bytes];
        for (place, figure) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(figures) {
            *place = figure.to_le_bytes();
        }
        bytes
    }

    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let figure = |at: usize| {
            bytes.as_chunks::<8>().0.get(at).map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
        };
        Estimate {
            micros: figure(0),
            kept_bytes: figure(1),
            function_micros: figure(2),
            function_bytes: figure(3),
        }
    }

    /// Whether it is within `limits`.
    pub fn is_within(&self, limits: &CompileLimits) -> bool {
        let is_within = |found: u64, most: Option<u64>| most.is_none_or(|most| found <= most);
        is_within(self.function_micros.div_ceil(1000), limits.max_compile_function_millis)
            && is_within(self.function_bytes, limits.max_compile_function_bytes)
            && is_within(self.micros.div_ceil(1000), limits.max_compile_millis)
    }
}

/// Validates a module or component, and estimates what compiling it will cost; on the calling thread alone.
pub(super) fn estimate(wasm: &[u8]) -> Result<Estimate, Error> {
    Reading::of(wasm, 1)?.accepted(wasm)
}

/// The same on some threads, which end with it.
pub(super) fn estimate_quickly(wasm: &[u8]) -> Result<Estimate, Error> {
    let readers = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MAX_READERS);
    Reading::of(wasm, if wasm.len() < SMALL_CODE { 1 } else { readers })?.accepted(wasm)
}

/// The error of a module that is above `limits`: it is read once more for that.
pub(super) fn too_dear(wasm: &[u8], limits: &CompileLimits) -> Error {
    match Reading::of(wasm, 1) {
        Ok(reading) => reading.refusal(wasm, limits),
        Err(error) => error,
    }
}

/// What has been read of a module.
#[derive(Default)]
struct Reading {
    estimate: Estimate,
    functions: usize,
    /// The functions that take longest, and most memory.
    slowest: Option<Priced>,
    largest: Option<Priced>,
    /// The first function with more catch clauses in force at one point than there may be, and their number.
    overfull: Option<(Place, u64)>,
}

/// A unit that is compiled as one, and the source of its cost.
#[derive(Clone, Copy)]
enum Priced {
    Function(Place, Work),
    /// The sections around the functions.
    Sections(Sections),
}

/// Place of a function: of two, the one that comes first is the smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The number of its module among those of a component.
    module: usize,
    index: u32,
}

type ToRead<'a> = (Place, FuncToValidate<ValidatorResources>, FunctionBody<'a>);

impl Reading {
    fn of(wasm: &[u8], readers: usize) -> Result<Self, Error> {
        let mut validator = Validator::new_with_features(FEATURES);
        let mut functions: Vec<ToRead<'_>> = Vec::new();
        let (mut sections, mut layout) = (Sections::default(), Layout::default());
        // Modules that have begun and not ended, innermost last; `None` for a component.
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut modules = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload.map_err(cannot_run)?;
            match &payload {
                Payload::Version { encoding, .. } => {
                    let is_module = *encoding == wasmparser::Encoding::Module;
                    open.push(is_module.then_some(modules));
                    modules += usize::from(is_module);
                }
                Payload::End(_) => drop(open.pop()),
                _ => {}
            }
            if let ValidPayload::Func(function, body) =
                validator.payload(&payload).map_err(cannot_run)?
            {
                let module = open.last().copied().flatten().unwrap_or_default();
                functions.push((Place { module, index: function.index }, function, body));
            }
            sections.add(&payload, &mut layout).map_err(cannot_run)?;
        }
        let mut whole = Self::of_sections(sections);
        if readers <= 1 {
            whole.add(Self::of_functions(functions.into_iter())?);
            return Ok(whole);
        }
        // Dealt out in turn: neighbours are often alike.
        let mut hands: Vec<Vec<ToRead<'_>>> = (0..readers).map(|_| Vec::new()).collect();
        for (at, function) in functions.into_iter().enumerate() {
            hands[at % readers].push(function);
        }
        thread::scope(|scope| {
            let own = hands.pop().unwrap_or_default();
            let mut others = Vec::with_capacity(hands.len());
            for hand in hands {
                let reader = thread::Builder::new().name("caxton-reader".to_owned());
                others
                    .push(reader.spawn_scoped(scope, move || Self::of_functions(hand.into_iter())));
            }
            whole.add(Self::of_functions(own.into_iter())?);
            for other in others {
                let failed = |text: String| Error::new(ErrorKind::Internal, text);
                let other = other.map_err(|error| {
                    failed(format!("the system gives no threads to read a module with: {error}"))
                })?;
                let read = other.join().map_err(|_| {
                    failed("the runtime itself failed while it read a module".to_owned())
                })?;
                whole.add(read?);
            }
            Ok(whole)
        })
    }

    fn of_sections(sections: Sections) -> Self {
        let micros = sections.micros().sum();
        let priced = Some(Priced::Sections(sections));
        let estimate = Estimate {
            micros,
            kept_bytes: 0,
            function_micros: micros,
            function_bytes: sections.bytes().sum(),
        };
        Reading { estimate, slowest: priced, largest: priced, ..Reading::default() }
    }

    fn of_functions<'a>(functions: impl Iterator<Item = ToRead<'a>>) -> Result<Self, Error> {
        let mut reading = Reading::default();
        let mut allocations = FuncValidatorAllocations::default();
        let mut left = MAX_VALUES;
        for (place, function, body) in functions {
            let work = read(function, &body, &mut allocations, &mut left).map_err(cannot_run)?;
            let is_endless = work.operators >= ENDLESS;
            let priced = Some(Priced::Function(place, work));
            reading.add(Reading {
                estimate: work.estimate(),
                functions: 1,
                slowest: priced,
                largest: priced,
                overfull: (work.clauses > MAX_CLAUSES).then_some((place, work.clauses)),
            });
            if is_endless {
                break;
            }
        }
        Ok(reading)
    }

    fn add(&mut self, other: Self) {
        if other.estimate.function_micros > self.estimate.function_micros || self.slowest.is_none()
        {
            self.slowest = other.slowest;
        }
        if other.estimate.function_bytes > self.estimate.function_bytes || self.largest.is_none() {
            self.largest = other.largest;
        }
        self.overfull = match (self.overfull, other.overfull) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        self.functions += other.functions;
        self.estimate += other.estimate;
    }

    /// The estimate of a module that may be compiled if that is not too dear.
    fn accepted(self, wasm: &[u8]) -> Result<Estimate, Error> {
        let Some((place, clauses)) = self.overfull else { return Ok(self.estimate) };
        let name = place.shown(wasm);
        Err(Error::new(
            ErrorKind::InvalidModule,
            format!(
                "{name} has {clauses} catch clauses in force at one point, those of all the try_tables there together, \
                 and {MAX_CLAUSES} is the most; catch what is thrown with fewer clauses (one catch_all, and a test of \
                 what it was), or move inner try_tables to functions of their own"
            ),
        ))
    }

    /// Says which limit the module is above, and why.
    fn refusal(&self, wasm: &[u8], limits: &CompileLimits) -> Error {
        let advice = "; split it up, or raise";
        let mut why = None;
        if let (Some(most), Some(slowest)) = (limits.max_compile_function_millis, &self.slowest)
            && self.estimate.function_micros.div_ceil(1000) > most
        {
            let millis = self.estimate.function_micros.div_ceil(1000);
            let of = slowest.slow_for();
            let name = slowest.shown(wasm);
            why = Some(format!(
                "compiling {name} would take about {millis} ms, most of it for {of}, above the limit of {most} \
                 (max_compile_function_millis){advice} that limit"
            ));
        }
        if let (None, Some(most), Some(largest)) =
            (&why, limits.max_compile_function_bytes, &self.largest)
            && self.estimate.function_bytes > most
        {
            let bytes = self.estimate.function_bytes;
            let of = largest.large_for();
            let name = largest.shown(wasm);
            why = Some(format!(
                "compiling {name} would take about {bytes} bytes of memory, most of it for {of}, above the limit of \
                 {most} (max_compile_function_bytes){advice} that limit"
            ));
        }
        let why = why.unwrap_or_else(|| {
            let millis = self.estimate.micros.div_ceil(1000);
            let most = limits.max_compile_millis.unwrap_or_default();
            let dearest = self.slowest.map(|slowest| {
                let name = slowest.shown(wasm);
                let millis = self.estimate.function_micros.div_ceil(1000);
                let of = slowest.slow_for();
                format!(", {millis} of them {name}, most of it for {of}")
            });
            format!(
                "compiling its {} functions would take about {millis} ms{}, above the limit of {most} \
                 (max_compile_millis){advice} that limit",
                self.functions,
                dearest.unwrap_or_default()
            )
        });
        Error::new(ErrorKind::InvalidModule, format!("this module costs too much: {why}"))
    }
}

impl Priced {
    fn shown(&self, wasm: &[u8]) -> String {
        match self {
            Priced::Function(place, _) => place.shown(wasm),
            Priced::Sections(_) => "what surrounds its functions".to_owned(),
        }
    }

    /// The term that most of its time is for.
    fn slow_for(&self) -> &'static str {
        match self {
            Priced::Function(_, work) => work.micros().dominant(),
            Priced::Sections(sections) => sections.micros().dominant(),
        }
    }

    /// The term that most of its memory is for.
    fn large_for(&self) -> &'static str {
        match self {
            Priced::Function(_, work) => work.bytes().dominant(),
            Priced::Sections(sections) => sections.bytes().dominant(),
        }
    }
}

impl Place {
    /// The function's index, and its name where the module tells it.
    fn shown(self, wasm: &[u8]) -> String {
        let index = self.index;
        let name = self.name(wasm).map(|name| super::frames::name_of(Some(name), index));
        let name = name.map(|name| format!(" ({})", crate::error::shown(&name)));
        format!("function {index}{}", name.unwrap_or_default())
    }

    fn name(self, wasm: &[u8]) -> Option<&str> {
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut modules = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.ok()? {
                Payload::Version { encoding, .. } => {
                    let is_module = encoding == wasmparser::Encoding::Module;
                    open.push(is_module.then_some(modules));
                    modules += usize::from(is_module);
                }
                Payload::End(_) => drop(open.pop()),
                Payload::CustomSection(section)
                    if section.name() == "name" && open.last() == Some(&Some(self.module)) =>
                {
                    return name_in(section.data(), section.data_offset(), self.index);
                }
                _ => {}
            }
        }
        None
    }
}

fn name_in(section: &[u8], offset: usize, index: u32) -> Option<&str> {
    let names = wasmparser::NameSectionReader::new(BinaryReader::new(section, offset));
    for subsection in names {
        if let wasmparser::Name::Function(functions) = subsection.ok()? {
            let mut found = functions.into_iter().map_while(Result::ok);
            return found.find(|naming| naming.index == index).map(|naming| naming.name);
        }
    }
    None
}

/// What the compiler's work on a function grows with.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    /// Operators, and the values that calls, blocks and branches take and give.
    operators: u64,
    /// Locals, parameters, and the most values on the stack where a block or branch is.
    locals: u64,
    /// Blocks and branches.
    blocks: u64,
    loops: u64,
    /// Values that loops take.
    loop_values: u64,
    /// The most loops inside one another.
    depth: u64,
    /// Entries of `br_table`s, with the index and the values that they carry: two for one that carries none.
    entries: u64,
    /// Indirect calls, and operators that copy, fill or grow something.
    indirect: u64,
    /// The most catch clauses in force at one point, those of all the `try_table`s there together.
    clauses: u64,
    /// Ways to clauses from calls and throws within their `try_table`s.
    ways: u64,
    /// Values that these ways carry, of locals that are written in the `try_table`, and the sum of their squares: over each
    /// `try_table`, times the most clauses in force in it in place of its own.
    carried: u64,
    carried_squares: u64,
    /// Parameters and results, which the trampoline that others enter it by passes on.
    passed: u64,
}

/// The parts of a cost.
struct Terms<const N: usize>([(&'static str, f64); N]);

impl<const N: usize> Terms<N> {
    fn sum(&self) -> u64 {
        // What is too large for the type ends at its largest value.
        self.0.iter().map(|(_, cost)| cost).sum::<f64>() as u64
    }

    fn dominant(&self) -> &'static str {
        self.0.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or("its operators", |term| term.0)
    }
}

impl Work {
    fn estimate(&self) -> Estimate {
        let micros = self.micros().sum();
        Estimate {
            micros,
            kept_bytes: KEPT_FUNCTION + KEPT_OPERATOR.saturating_mul(self.operators),
            function_micros: micros,
            function_bytes: self.bytes().sum(),
        }
    }

    /// In microseconds.
    fn micros(&self) -> Terms<10> {
        let [n, l, b, t, p, d, e, i, v, w, _, q] = self.figures();
        Terms([
            ("its operators", 75.0 + 26.0 * n),
            ("its indirect calls and bulk operations", 100.0 * i + 0.006 * i * i),
            ("its locals", 0.4 * l),
            ("its parameters and results", 3.0 * v),
            ("its loops", 0.22 * t * t),
            ("its loops times its locals", 9.0 * (l * t + p)),
            ("its blocks and branches times its locals", 0.8 * l * b),
            ("its br_table entries times its locals", e * (l + 0.5)),
            ("its calls in try_tables times its clauses and locals", 20.0 * w + 0.0045 * q),
            ("how deep its loops are nested", 0.0025 * d.powi(3) + 0.00004 * d.powi(3) * l * l),
        ])
    }

    /// In bytes.
    fn bytes(&self) -> Terms<8> {
        let [n, l, b, t, p, _, e, i, v, w, c, _] = self.figures();
        Terms([
            ("its operators", 6500.0 + 2700.0 * n),
            ("its indirect calls and bulk operations", 15_000.0 * i),
            ("its parameters and results", 1000.0 * v),
            ("its blocks and branches times its locals", 115.0 * l * b),
            ("its loops", 60.0 * t * t),
            ("its loops times its locals", 1200.0 * (l * t + p)),
            ("its br_table entries", 400.0 * e),
            ("its calls in try_tables times its clauses and locals", 1200.0 * w + 200.0 * c),
        ])
    }

    fn figures(&self) -> [f64; 12] {
        [
            self.operators,
            self.locals,
            self.blocks,
            self.loops,
            self.loop_values,
            self.depth,
            self.entries,
            self.indirect,
            self.passed,
            self.ways,
            self.carried,
            self.carried_squares,
        ]
        .map(|it| it as f64)
    }
}

/// Validates a function and counts its work. When nothing is `left` of the values that may be looked at, the rest is not
/// read, and the function's work is endless.
fn read(
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    allocations: &mut FuncValidatorAllocations,
    left: &mut u64,
) -> wasmparser::Result<Work> {
    let passed = match function.resources.sub_type_at(function.ty) {
        Some(SubType { composite_type: CompositeType { inner: Func(ty), .. }, .. }) => {
            (ty.params().len() + ty.results().len()) as u64
        }
        _ => 0,
    };
    let mut validator = function.into_validator(std::mem::take(allocations));
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader)?;
    reader.set_features(*validator.features());
    let mut work = Work { locals: validator.len_locals().into(), passed, ..Work::default() };
    let mut most_values = 0;
    let mut open = vec![Open::default()];
    let (mut depth, mut clauses) = (0, 0);
    let (own_locals, mut tried) = (work.locals, Tried::default());
    let mut straight = Straight::new();
    while !reader.eof() {
        let at = reader.original_position();
        work.operators += 1;
        let kind = Kind::next(&reader)?;
        let is_look_due;
        if kind == Kind::Plain || (kind == Kind::Write && clauses == 0) {
            is_look_due = straight.plain();
        } else {
            let operator = reader.peek_operator(&validator.visitor(at))?;
            is_look_due = straight.next(&operator);
            let (takes, gives) = operator.operator_arity(&validator).unwrap_or_default();
            let values = u64::from(takes) + u64::from(gives);
            work.operators += values;
            let entries = match &operator {
                Operator::BrTable { targets } => {
                    (u64::from(targets.len()) + 1) * (1 + u64::from(takes))
                }
                _ => 0,
            };
            let Some(fewer) = left.checked_sub(values + entries) else {
                work.operators = ENDLESS;
                return Ok(work);
            };
            *left = fewer;
            match (kind, &operator) {
                (Kind::End, _) => {
                    let block = open.pop().unwrap_or_default();
                    depth -= u64::from(block.is_loop);
                    clauses -= block.clauses;
                    if let Some(outer) = open.last_mut() {
                        outer.deepest = outer.deepest.max(block.deepest);
                    }
                    let written = (tried.writes - block.begun.writes).min(own_locals).max(1);
                    let calls = tried.calls - block.begun.calls;
                    let carried = calls.saturating_mul(written);
                    work.ways += block.clauses * calls;
                    work.carried =
                        work.carried.saturating_add(carried.saturating_mul(block.clauses));
                    work.carried_squares = work.carried_squares.saturating_add(
                        carried
                            .saturating_mul(carried)
                            .saturating_mul(block.clauses * block.deepest),
                    );
                }
                (Kind::Block, Operator::Loop { .. }) => {
                    open.push(Open { is_loop: true, ..Open::default() });
                    work.blocks += 1;
                    work.loops += 1;
                    depth += 1;
                    work.depth = work.depth.max(depth);
                    work.loop_values += u64::from(takes);
                }
                (Kind::Block, Operator::TryTable { try_table }) => {
                    let own = try_table.catches.len() as u64;
                    open.push(Open {
                        is_loop: false,
                        clauses: own,
                        deepest: clauses + own,
                        begun: tried,
                    });
                    clauses += own;
                    work.clauses = work.clauses.max(clauses);
                    work.blocks += 1 + own;
                    work.indirect += 1;
                    let carried = try_table.catches.iter().map(|catch| match catch {
                        Catch::One { tag, .. } | Catch::OneRef { tag, .. } => {
                            let ty = validator.resources().tag_at(*tag);
                            1 + ty.map_or(0, |ty| ty.params().len() as u64)
                        }
                        Catch::All { .. } | Catch::AllRef { .. } => 1,
                    });
                    let carried = carried.sum();
                    work.operators += carried;
                    let Some(fewer) = left.checked_sub(carried) else {
                        work.operators = ENDLESS;
                        return Ok(work);
                    };
                    *left = fewer;
                }
                (Kind::Block, _) => {
                    open.push(Open::default());
                    work.blocks += 1;
                }
                (Kind::Branch, _) => {
                    work.blocks += 1;
                    work.entries += entries;
                }
                (Kind::Indirect, _) => work.indirect += 1,
                (Kind::Write, _) => tried.writes += 1,
                _ => {}
            }
            let may_throw = matches!(
                operator,
                Operator::Call { .. }
                    | Operator::CallIndirect { .. }
                    | Operator::Throw { .. }
                    | Operator::ThrowRef
            );
            if may_throw && clauses > 0 {
                // It ends a block.
                work.blocks += 1;
                tried.calls += 1;
                most_values = most_values.max(validator.operand_stack_height());
            }
            if matches!(kind, Kind::Block | Kind::Branch) {
                most_values = most_values.max(validator.operand_stack_height());
            }
        }
        if is_look_due {
            work.operators += 2;
            work.blocks += 1;
            work.loops += 1;
            most_values = most_values.max(validator.operand_stack_height());
        }
        reader.visit_operator(&mut validator.visitor(at))??;
    }
    reader.finish_expression(&validator.visitor(reader.original_position()))?;
    work.locals += u64::from(most_values);
    *allocations = validator.into_allocations();
    Ok(work)
}

/// Numbers of what was found where catch clauses are in force.
#[derive(Clone, Copy, Default)]
struct Tried {
    /// Calls and throws.
    calls: u64,
    /// Writes of locals.
    writes: u64,
}

/// A block that has not ended.
#[derive(Default)]
struct Open {
    is_loop: bool,
    /// The catch clauses that it puts in force, and what was found before.
    clauses: u64,
    begun: Tried,
    /// The most clauses in force at one point of it.
    deepest: u64,
}

/// What an operator is for an estimate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Block,
    End,
    Branch,
    Call,
    Indirect,
    /// Of a local.
    Write,
}

impl Kind {
    /// What the operator is that `reader` comes to next: most are known by their first byte, without being read.
    fn next(reader: &BinaryReader<'_>) -> wasmparser::Result<Self> {
        let mut reader = reader.clone();
        Ok(match reader.read_u8()? {
            // block, loop, if, try_table
            0x02..=0x04 | 0x1f => Kind::Block,
            // else, br, br_if, br_table, return
            0x05 | 0x0c..=0x0f => Kind::Branch,
            0x0b => Kind::End,
            // unreachable, call
            0x00 | 0x10 => Kind::Call,
            // local.set, local.tee
            0x21 | 0x22 => Kind::Write,
            // throw, throw_ref; indirect and tail calls; table.get, table.set; memory.grow; ref.func
            0x08 | 0x0a | 0x11..=0x15 | 0x25 | 0x26 | 0x40 | 0xd2 => Kind::Indirect,
            // Below are conversions of floats, above what copies, fills and grows.
            0xfc if reader.read_var_u32()? >= 8 => Kind::Indirect,
            _ => Kind::Plain,
        })
    }
}

#[cfg(test)]
mod tests;
