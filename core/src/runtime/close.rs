//! Removing agents, and closing the runtime.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::task::ArcWake;

use super::core::Core;
use super::posting::Post;
use crate::agent::{Agent, AgentState, Lane, Letter, Refusal};
use crate::directory::Member;
use crate::error::Error;
use crate::release;
use crate::source::monotonic;
use crate::store::Serial;

/// How long `close` takes at most, unless it is told otherwise.
pub(super) const DEFAULT_CLOSE: Duration = Duration::from_secs(5);

/// The time that turns which are interrupted, and threads, have at least to come to their end.
const GRACE: Duration = Duration::from_millis(50);

impl Core {
    /// Ends an agent: what waits is answered, its last turn is its shutdown.
    pub fn begin_removal(&self, agent: &Arc<Agent>) {
        if matches!(agent.state(), AgentState::Removed) {
            return;
        }
        // From now on nobody finds it, and its name is free.
        self.leaving.insert(agent.face.serial, agent.clone());
        self.leave(&Member::Agent(agent.clone()));
        let (waiting, wake) = agent.mailbox.request_shutdown();
        self.end_letters(waiting, agent.name(), Refusal::Removed, agent.face.serial);
        if wake {
            agent.schedule(Lane::outside());
        }
        // It may have come to its end meanwhile, and been forgotten.
        if matches!(agent.state(), AgentState::Removed) {
            self.leaving.remove(&agent.face.serial);
        }
    }

    /// Ends an agent and waits until it is gone.
    pub async fn remove(&self, agent: &Arc<Agent>) -> Result<(), Error> {
        self.check_open()?;
        agent.leave_for_good();
        self.begin_removal(agent);
        loop {
            let stopped = agent.stopped.notified();
            if agent.is_forgotten() {
                return self.all_settled(agent.face.serial).await;
            }
            stopped.await;
        }
    }

    /// Waits until all that has been committed so far in the queue `of` is on disk, where there is a
    /// store.
    pub async fn all_settled(&self, of: Serial) -> Result<(), Error> {
        match &self.journal {
            Some(journal) => journal.barrier(of).settled().await,
            None => Ok(()),
        }
    }

    /// Ends what waits for somebody who takes no messages any more, in commits of the queue `of`.
    pub fn end_letters(&self, waiting: Vec<Letter>, agent: &str, refusal: Refusal, of: Serial) {
        let closing = self.check_open().is_err();
        for letter in waiting {
            if closing && (letter.row.is_some() || self.dead_letters.are_full()) {
                // The store has it: it is handled when that is opened again. Or there are enough of them: to
                // make room for each of millions would take seconds.
            } else if closing {
                self.keep_dead(
                    letter.message,
                    "the runtime was closed before it was handled",
                    Post::outside(),
                );
            } else {
                self.alone_of(of, Post::outside(), |post| {
                    self.report_refusal(&letter, agent, refusal, post);
                });
            }
        }
    }

    /// Closes: running turns finish or are interrupted, `agent_shutdown` is called within what is
    /// left of `timeout`, waiting calls get `Closed`, and threads end, by themselves if they are busy then.
    pub async fn close(self: &Arc<Self>, timeout: Duration) {
        self.start_close(timeout);
        self.wait_closed().await;
    }

    /// Begins to close, on a thread of its own: who asks for it may be on an event loop that ends
    /// with the runtime, or may give up waiting.
    pub fn start_close(self: &Arc<Self>, timeout: Duration) {
        // In a forked child there is nothing to end: its threads stayed with the parent.
        if crate::fork::in_child() || !self.begin_close() {
            return;
        }
        let closing = Closing(self.clone());
        let closer = std::thread::Builder::new().name("caxton-closer".to_owned());
        // Where the system has no thread left, what is closed at least takes no more calls.
        drop(closer.spawn(move || {
            let begun = monotonic();
            crate::blocking::block_on(closing.0.shut_down(timeout));
            closing.0.stop_threads(begun + timeout);
        }));
    }

    async fn shut_down(&self, timeout: Duration) {
        let begun = monotonic();
        self.end_everybody();
        // The last fifth of the time is for what has to be interrupted.
        self.wait_for_agents(timeout.mul_f64(0.8)).await;
        if self.agents.load(Ordering::Relaxed) > 0 {
            // Those too that were being removed before.
            let leaving: Vec<_> = self.leaving.iter().map(|it| it.value().clone()).collect();
            for agent in leaving {
                agent.meter.interrupt();
                Agent::wake_by_ref(&agent);
            }
            self.wait_for_agents(timeout.saturating_sub(begun.elapsed()).max(GRACE)).await;
        }
        // Agents may have had something to say to them at their end.
        for service in self.services() {
            self.end_letters(service.end(), &service.name, Refusal::Removed, service.serial);
        }
        self.asks.fail_all(&Error::closed());
        self.subscriptions.close_all();
        self.events.close_all();
        self.scheduler.stop();
        self.directory.clear();
        self.hosts.clear();
        self.agent_subscriptions.write().clear();
    }

    fn end_everybody(&self) {
        // That everybody leaves is news to nobody.
        self.directory.end_searches();
        for member in self.directory.members() {
            match member {
                Member::Agent(agent) => self.begin_removal(&agent),
                Member::Host(host) => {
                    let waiting = host.end();
                    self.end_letters(waiting, &host.name, Refusal::Removed, host.serial);
                }
            }
        }
    }

    /// Waits until no agent is left, for at most `timeout`.
    async fn wait_for_agents(&self, timeout: Duration) {
        let all_gone = async {
            loop {
                let gone = self.agent_gone.notified();
                if self.agents.load(Ordering::Relaxed) == 0 {
                    return;
                }
                gone.await;
            }
        };
        tokio::select! {
            () = all_gone => {}
            () = self.sleep(timeout) => {}
        }
    }

    async fn wait_closed(&self) {
        loop {
            let ended = self.closed.notified();
            if self.is_closed() || crate::fork::in_child() {
                return;
            }
            ended.await;
        }
    }

    /// Joins every thread but the closer's own. Worker threads that are in the middle of something at the
    /// deadline end by themselves.
    fn stop_threads(&self, deadline: Instant) {
        self.scheduler.join(deadline.max(monotonic() + GRACE));
        if let Some(journal) = &self.journal {
            journal.close(deadline);
        }
        let runtimes = std::mem::take(&mut *self.io_runtimes.lock());
        for io in runtimes {
            io.shutdown_timeout(deadline.saturating_duration_since(monotonic()).max(GRACE));
        }
        self.files.shut_down(deadline.max(monotonic() + GRACE));
        drop(self.running.lock().take());
        release::begin_round();
        release::release();
    }
}

/// Says that the runtime is closed, however the closer came to its end.
struct Closing(Arc<Core>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.end_close();
    }
}
