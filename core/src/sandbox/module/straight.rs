//! Straight-line code: where loading puts a look at the clock into it.
//!
//! The engine looks at the clock at loop heads and where a function is entered. A function of hundreds of thousands of
//! loads, none of them in a loop, would run for tens of milliseconds without one. So loading puts an empty loop wherever
//! a way through a function has come so far without a loop head. It needs nothing from the stack and leaves nothing
//! there, and no branch can name it, so that it can stand before any operator.

use wasmparser::{Catch, Operator};

/// An empty loop.
pub(in crate::sandbox) const LOOK: [u8; 3] = [0x03, 0x40, 0x0b];
/// The operators between two looks at the clock at most: some hundred microseconds if each of them has to wait for memory.
const FAR: u32 = 5000;
/// Calls count as so many operators, since the host's functions take up to a microsecond.
const CALL: u32 = 50;

/// Follows the operators of a function, and knows how far the longest way to each of them has come since the last loop head.
pub(in crate::sandbox) struct Straight {
    /// Operators since then; `None` where no way leads.
    since: Option<u32>,
    /// The blocks that have not ended, outermost first; the first one is the function.
    open: Vec<Block>,
    /// Those of them that are `try_table`s with clauses.
    tries: Vec<usize>,
}

/// A block that has not ended.
#[derive(Default)]
struct Block {
    is_loop: bool,
    /// Count of the longest way that leads to its end by a branch.
    ends: Option<u32>,
    /// Count of the way that leads around an `if` without an `else`.
    around: Option<u32>,
    /// Of a `try_table` the blocks whose ends its clauses lead to, and how far what throws in it comes.
    catches: Vec<usize>,
    throws: Option<u32>,
}

impl Straight {
    pub fn new() -> Self {
        Straight { since: Some(0), open: vec![Block::default()], tries: Vec::new() }
    }

    /// Goes on with an operator that has no part in the ways through a function. Returns true if a look at the clock is due
    /// before it.
    pub fn plain(&mut self) -> bool {
        self.come(1)
    }

    /// The same with any operator.
    pub fn next(&mut self, operator: &Operator<'_>) -> bool {
        let is_due = match operator {
            Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::Throw { .. }
            | Operator::ThrowRef => self.come(CALL),
            _ => self.come(1),
        };
        match operator {
            Operator::Block { .. } => self.open.push(Block::default()),
            Operator::Loop { .. } => {
                self.since = self.since.map(|_| 0);
                self.open.push(Block { is_loop: true, ..Block::default() });
            }
            Operator::If { .. } => {
                self.open.push(Block { around: self.since, ..Block::default() });
            }
            Operator::Else => {
                if let Some(block) = self.open.last_mut() {
                    block.ends = block.ends.max(self.since);
                    self.since = block.around.take();
                }
            }
            Operator::TryTable { try_table } => {
                // Labels of clauses do not count the block itself.
                let label = |catch: &Catch| match catch {
                    Catch::One { label, .. }
                    | Catch::OneRef { label, .. }
                    | Catch::All { label }
                    | Catch::AllRef { label } => self.named(*label),
                };
                let mut catches: Vec<usize> = try_table.catches.iter().filter_map(label).collect();
                catches.sort_unstable();
                catches.dedup();
                if !catches.is_empty() {
                    self.tries.push(self.open.len());
                }
                self.open.push(Block { catches, ..Block::default() });
            }
            Operator::End => self.end(),
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth);
                self.since = None;
            }
            Operator::BrIf { relative_depth } => self.branch(*relative_depth),
            Operator::BrTable { targets } => {
                self.branch(targets.default());
                for target in targets.targets().flatten() {
                    self.branch(target);
                }
                self.since = None;
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => self.throw(),
            Operator::Throw { .. } | Operator::ThrowRef => {
                self.throw();
                self.since = None;
            }
            Operator::Unreachable
            | Operator::Return
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => self.since = None,
            _ => {}
        }
        is_due
    }

    /// Comes so much further.
    fn come(&mut self, by: u32) -> bool {
        let Some(since) = &mut self.since else { return false };
        let is_due = *since >= FAR;
        if is_due {
            *since = 0;
        }
        *since += by;
        is_due
    }

    fn named(&self, label: u32) -> Option<usize> {
        self.open.len().checked_sub(label as usize + 1)
    }

    fn branch(&mut self, label: u32) {
        let since = self.since;
        if let Some(block) = self.named(label).and_then(|at| self.open.get_mut(at))
            && !block.is_loop
        {
            block.ends = block.ends.max(since);
        }
    }

    /// Something may be thrown here.
    fn throw(&mut self) {
        let since = self.since;
        if let Some(block) = self.tries.last().and_then(|at| self.open.get_mut(*at)) {
            block.throws = block.throws.max(since);
        }
    }

    fn end(&mut self) {
        let Some(block) = self.open.pop() else { return };
        self.since = self.since.max(block.ends).max(block.around);
        if block.catches.is_empty() {
            return;
        }
        self.tries.pop();
        for at in block.catches {
            if let Some(reached) = self.open.get_mut(at) {
                reached.ends = reached.ends.max(block.throws);
            }
        }
        // What none of its clauses takes is thrown on.
        if let Some(outer) = self.tries.last().and_then(|at| self.open.get_mut(*at)) {
            outer.throws = outer.throws.max(block.throws);
        }
    }
}

#[cfg(test)]
mod tests;
