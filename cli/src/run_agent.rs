//! `caxton run-agent`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use caxton::{Agent, EventFilter, Filter, Performative, Runtime, Subscription};
use clap::Args;
use serde_json::{Value, json};

use crate::fail::{AGENT, Failure};
use crate::input::{Lines, Typed, read};
use crate::interrupt::{close, unless_interrupted};
use crate::progress::Progress;
use crate::settings::{Settings, deploy_or_replace, seconds};
use crate::show::Show;

#[derive(Args)]
pub struct RunAgent {
    #[command(flatten)]
    agent: Settings,

    /// A message: JSON, either a whole message with its `performative` or only a content; may come several
    /// times. Without any, they are read from standard input, one a line
    #[arg(long = "message", short, value_name = "JSON")]
    messages: Vec<String>,

    /// The act of messages that are only a content
    #[arg(long, value_name = "ACT", default_value = "request", value_parser = performative)]
    performative: Performative,

    /// How long to wait for each answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,

    /// How long to go on after the last message, in seconds, for what the agent's timers say
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    wait: Duration,

    /// A file that keeps the agent's data and timers from one run to the next
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,

    /// Leave out the agent's log, which else goes to standard error
    #[arg(long)]
    no_log: bool,
}

fn performative(text: &str) -> Result<Performative, String> {
    Performative::parse(text)
        .ok_or_else(|| format!("{text:?} is not one of FIPA's 22 communicative acts"))
}

/// One run of an agent.
struct Session<'a> {
    runtime: &'a Runtime,
    agent: Agent,
    /// What the agent says, to whomever.
    said: Subscription,
    /// Lines of its log that have been shown.
    logged: usize,
    options: &'a RunAgent,
}

impl RunAgent {
    pub async fn run(self, show: &mut Show) -> Result<(), Failure> {
        let deploy = self.agent.deploy()?;
        let mut builder = Runtime::builder();
        if let Some(store) = &self.store {
            builder = builder.store(store);
        }
        let runtime = builder.build()?;
        let done = unless_interrupted(async {
            let filter = json!({"sender": self.agent.name}).to_string();
            let said = runtime.subscribe(Filter::read(filter.as_bytes())?)?;
            let agent = {
                let path = self.agent.wasm.display();
                let _progress = Progress::begin(show, format!("compiling {path}"));
                let (name, wasm) = (Some(self.agent.name.as_str()), &self.agent.wasm);
                deploy_or_replace(&runtime, name, wasm, deploy).await?
            };
            let mut session = Session { runtime: &runtime, agent, said, logged: 0, options: &self };
            let done = session.all(show).await;
            session.show_logs(show);
            done
        })
        .await;
        close(&runtime).await;
        done
    }
}

impl Session<'_> {
    async fn all(&mut self, show: &mut Show) -> Result<(), Failure> {
        self.show_logs(show);
        let mut failed = None;
        if self.options.messages.is_empty() {
            if std::io::stdin().is_terminal() {
                show.remark("messages, one a line: JSON; Ctrl-D ends");
            }
            let mut lines = Lines::new();
            while let Some((line, from)) = lines.next().await? {
                let done = self.one(&line, &from, show).await;
                failed = keep_last(failed, done, show)?;
            }
        }
        for (at, message) in self.options.messages.iter().enumerate() {
            let done = self.one(message, &format!("message {}", at + 1), show).await;
            failed = keep_last(failed, done, show)?;
        }
        self.go_on(show).await?;
        failed.map_or(Ok(()), Err)
    }

    /// Sends one message, and shows what the agent says until it has been handled.
    async fn one(&mut self, text: &str, from: &str, show: &mut Show) -> Result<(), Failure> {
        let typed = read(text, self.options.performative, Some(self.agent.name()), from)?;
        let done = self.exchange(typed).await;
        self.show_said(show)?;
        self.show_logs(show);
        done
    }

    async fn exchange(&mut self, typed: Typed) -> Result<(), Failure> {
        let timeout = self.options.timeout;
        if !typed.wants_answer() {
            let filter = json!({"kind": ["turn", "dropped"], "agent": self.agent.name()});
            let turns = self.runtime.events(EventFilter::read(filter.to_string().as_bytes())?)?;
            self.runtime.send(&typed.draft, timeout).await?;
            return handled(&turns, timeout).await;
        }
        let answer = if typed.performative == Performative::Request {
            self.runtime.request(typed.draft).timeout(timeout).await
        } else {
            self.runtime.ask(typed.draft).timeout(timeout).await
        };
        match answer {
            Ok(_) => Ok(()),
            // The agent's own words are shown; the exit code tells programs.
            Err(error)
                if error.reply().is_some_and(|reply| reply.sender() == self.agent.name()) =>
            {
                Err(Failure::new(AGENT, error.kind().code(), ""))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Shows what the agent says by itself, for as long as was asked.
    async fn go_on(&mut self, show: &mut Show) -> Result<(), Failure> {
        let until = tokio::time::sleep(self.options.wait);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => break,
                message = self.said.next() => match message {
                    Some(message) => show.message(&message)?,
                    None => break,
                },
            }
            self.show_logs(show);
        }
        self.show_said(show)
    }

    fn show_said(&self, show: &mut Show) -> Result<(), Failure> {
        while let Some(message) = self.said.try_next() {
            show.message(&message)?;
        }
        Ok(())
    }

    fn show_logs(&mut self, show: &mut Show) {
        if self.options.no_log {
            return;
        }
        let lines = self.agent.logs();
        for line in lines.iter().skip(self.logged) {
            show.log(self.agent.name(), line);
        }
        self.logged = lines.len();
    }
}

/// Waits until the agent has handled a message that nobody answers.
async fn handled(turns: &Subscription, timeout: Duration) -> Result<(), Failure> {
    while let Some(event) = turns.next_within(Some(timeout)).await? {
        let content: Value = event.read_content()?;
        // Its timers may ring meanwhile.
        if content["of"] == "message" {
            let error = content["error"].as_str().map(|error| Failure::new(AGENT, "failed", error));
            return error.map_or(Ok(()), Err);
        }
    }
    Ok(())
}

/// A message that fails does not keep the next one from being sent; where nobody reads, or the message is
/// none, there is no next one.
fn keep_last(
    failed: Option<Failure>,
    done: Result<(), Failure>,
    show: &mut Show,
) -> Result<Option<Failure>, Failure> {
    match done {
        Ok(()) => Ok(failed),
        Err(failure) if failure.exit == AGENT => {
            show.failure(&failure);
            Ok(Some(Failure { text: String::new(), ..failure }))
        }
        Err(failure) => Err(failure),
    }
}
