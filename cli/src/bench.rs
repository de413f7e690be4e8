//! `caxton bench`.

use std::time::{Duration, Instant};

use caxton::{Draft, Performative, Runtime};
use clap::Args;
use serde_json::{Value, json};

use crate::fail::Failure;
use crate::input::read;
use crate::interrupt::{close, unless_interrupted};
use crate::progress::Progress;
use crate::settings::{Settings, seconds};
use crate::show::{BOLD, Show, bytes};

/// Asks that run at once where throughput is measured.
const AT_ONCE: usize = 256;

#[derive(Args)]
pub struct Bench {
    #[command(flatten)]
    agent: Settings,

    /// The message: JSON, either a whole message with its `performative` or only the content of a request
    #[arg(long, short, value_name = "JSON", default_value = r#"{"action": "get_status"}"#)]
    message: String,

    /// How long to measure, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    seconds: Duration,
}

/// What was measured.
struct Figures {
    /// From the file to the end of its init; compiled where it was not in the cache.
    deploy: Duration,
    /// A second agent of the same module.
    deploy_again: Duration,
    /// Each ask, one after the other, in order of their length.
    asks: Vec<Duration>,
    /// Answers a second, many asks at once.
    throughput: f64,
    memory_bytes: u64,
    /// The act of the first answer.
    answer: &'static str,
}

impl Bench {
    pub async fn run(self, show: &mut Show) -> Result<(), Failure> {
        let typed =
            read(&self.message, Performative::Request, Some(&self.agent.name), "the message")?;
        if !typed.wants_answer() {
            let text = format!(
                "{} has no answer; give an act that has, such as request",
                typed.performative
            );
            return Err(Failure::wrong_use(text));
        }
        let runtime = Runtime::new()?;
        let progress = Progress::begin(show, format!("measuring {}", self.agent.wasm.display()));
        let measured = unless_interrupted(self.measure(&runtime, &typed.draft)).await;
        drop(progress);
        close(&runtime).await;
        let figures = measured?;
        show.found(|| figures.to_json(), || figures.lines())
    }

    #[expect(clippy::disallowed_methods, reason = "what is measured is time")]
    async fn measure(&self, runtime: &Runtime, draft: &Draft) -> Result<Figures, Failure> {
        let mut deploy = self.agent.deploy()?;
        let began = Instant::now();
        let agent = runtime.deploy(deploy).await?;
        let first = began.elapsed();
        deploy = self.agent.deploy()?.name(format!("{}-again", self.agent.name));
        let began = Instant::now();
        runtime.deploy(deploy).await?;
        let again = began.elapsed();

        let answer = runtime.ask(draft.clone()).await?;
        let mut asks = Vec::new();
        let began = Instant::now();
        while began.elapsed() < self.seconds / 2 {
            let asked = Instant::now();
            runtime.ask(draft.clone()).await?;
            asks.push(asked.elapsed());
        }
        asks.sort();

        let (mut answered, began) = (0, Instant::now());
        while began.elapsed() < self.seconds / 2 {
            let drafts = vec![draft.clone(); AT_ONCE];
            for answer in runtime.ask_many(drafts, Duration::from_secs(30)).await {
                answer?;
                answered += 1;
            }
        }
        let throughput = f64::from(answered) / began.elapsed().as_secs_f64();
        Ok(Figures {
            deploy: first,
            deploy_again: again,
            asks,
            throughput,
            memory_bytes: agent.stats().memory_bytes,
            answer: answer.performative().as_str(),
        })
    }
}

impl Figures {
    /// The time that so many of a hundred asks were shorter than.
    fn percentile(&self, percent: usize) -> Duration {
        let at = self.asks.len().saturating_sub(1) * percent / 100;
        self.asks.get(at).copied().unwrap_or_default()
    }

    fn to_json(&self) -> Value {
        let micros = |time: Duration| time.as_nanos() as f64 / 1000.0;
        json!({
            "deploy_micros": micros(self.deploy),
            "deploy_again_micros": micros(self.deploy_again),
            "asks": self.asks.len(),
            "ask_median_micros": micros(self.percentile(50)),
            "ask_p99_micros": micros(self.percentile(99)),
            "asks_per_second": self.throughput,
            "memory_bytes": self.memory_bytes,
            "answer": self.answer,
        })
    }

    fn lines(&self) -> Vec<String> {
        vec![
            format!("deploy        {:.2?}, again {:.2?}", self.deploy, self.deploy_again),
            format!(
                "ask           {BOLD}{:.2?}{BOLD:#} median, {:.2?} for 99 of 100, of {} that were answered with {}",
                self.percentile(50),
                self.percentile(99),
                self.asks.len(),
                self.answer
            ),
            format!(
                "at once       {:.0} answers a second, {AT_ONCE} asks at once",
                self.throughput
            ),
            format!("memory        {}", bytes(self.memory_bytes)),
        ]
    }
}
