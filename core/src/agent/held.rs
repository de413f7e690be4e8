//! Agents of a store that were granted more than this program lets a store grant: they stay suspended.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use super::{Agent, AgentState, Lane};
use crate::error::{Error, ErrorKind, shown};
use crate::grants::confine;
use crate::message::name;
use crate::sandbox::Level;

/// Why an agent is held back, if it is.
#[derive(Default)]
pub(crate) struct Hold(Mutex<Option<Held>>);

struct Held {
    /// What it lacks, one line for each.
    missing: Arc<[String]>,
    /// The state that its store goes on to have.
    stored: AgentState,
}

impl Agent {
    /// Suspends an agent that has come back from a store, and lacks these.
    pub fn hold(&self, missing: Vec<String>, stored: AgentState) {
        let text = format!("it stays suspended, since it lacks {}", missing.join(", "));
        self.face.log(Level::Warn, &text);
        tracing::warn!(agent = self.name(), "an agent of the store stays suspended: {text}");
        // It has just been entered, and takes no messages yet.
        let _ = self.mailbox.pause();
        *self.hold.0.lock() = Some(Held { missing: missing.into(), stored });
        self.core.held.fetch_add(1, Ordering::AcqRel);
    }

    /// What an agent lacks that is held back.
    pub fn missing(&self) -> Option<Arc<[String]>> {
        self.hold.0.lock().as_ref().map(|held| held.missing.clone())
    }

    /// The state that a store has of an agent that is held back.
    pub fn state_when_held(&self) -> Option<AgentState> {
        self.hold.0.lock().as_ref().map(|held| held.stored)
    }

    /// Notes that the program has suspended an agent that is held back: it stays so when it is not any
    /// more.
    pub fn suspended_while_held(&self) {
        if let Some(held) = self.hold.0.lock().as_mut() {
            held.stored = AgentState::Suspended;
        }
    }

    /// Checks that an agent is not held back, or is so no more: a folder may have come back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`], which names what it lacks.
    pub fn let_go(self: &Arc<Self>) -> Result<(), Error> {
        if self.missing().is_none() {
            return Ok(());
        }
        let declared = self.settings.declared.as_ref();
        let wanted = declared.map_or(&self.settings.grants, |declared| &declared.grants);
        let private = || self.core.private_paths();
        let confined = confine(self.core.ceiling.as_ref(), wanted, &private);
        let mut missing = confined.missing;
        missing.extend(self.unfit());
        if !missing.is_empty() {
            let error = self.held_back(&missing);
            if let Some(held) = self.hold.0.lock().as_mut() {
                held.missing = missing.into();
            }
            return Err(error);
        }
        self.face.hold_folders(confined.folders.into());
        self.end_hold();
        // Its code has not begun, or not with all that it has now.
        if self.mailbox.request_init() {
            self.schedule(Lane::outside());
        }
        Ok(())
    }

    /// Nothing holds it back any more.
    pub fn end_hold(&self) {
        if self.hold.0.lock().take().is_some() {
            self.core.held.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// What keeps an agent from being run, beside its grants.
    pub fn unfit(&self) -> Vec<String> {
        let mut unfit = Vec::new();
        if let Ok(Some(why)) | Err(why) =
            name::check_stored(self.name()).map_err(|error| error.message().to_owned())
        {
            unfit.push(format!("a name that is allowed ({why})"));
        }
        if let Err(error) = self.seat.load().template.check_limits(&self.face.limits) {
            unfit.push(format!("limits ({})", error.message()));
        }
        unfit
    }

    fn held_back(&self, missing: &[String]) -> Error {
        let name = shown(self.name());
        let text = format!(
            "{name:?} has come back from the store suspended, since this program does not grant what \
             the store says: it lacks {}; open the store with a ceiling that has it, or remove the \
             agent and deploy it anew",
            missing.join(", ")
        );
        Error::new(ErrorKind::PermissionDenied, text).with_missing(missing.to_vec())
    }
}
