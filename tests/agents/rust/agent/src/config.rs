//! What the deployer wants of the agent: JSON under the key `config`, all of it optional.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::host;
use crate::message::{flag, number, read, whole};

#[derive(Default)]
pub struct Config {
    price: Option<Number>,
    limit: Option<Number>,
    pub refuses: bool,
    pub silent: bool,
    pub fails: bool,
    pub twice: bool,
    pub delay: Option<i64>,
}

/// The configuration as it is stored; what is of the wrong type counts as missing.
#[derive(Default, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    price: Option<&'a RawValue>,
    #[serde(borrow)]
    limit: Option<&'a RawValue>,
    #[serde(borrow)]
    refuses: Option<&'a RawValue>,
    #[serde(borrow)]
    silent: Option<&'a RawValue>,
    #[serde(borrow)]
    fails: Option<&'a RawValue>,
    #[serde(borrow)]
    twice: Option<&'a RawValue>,
    #[serde(borrow)]
    delay_micros: Option<&'a RawValue>,
}

thread_local! {
    static CONFIG: RefCell<Rc<Config>> = RefCell::default();
}

pub fn load() {
    let bytes = host::load("config");
    let stored: Stored = read(serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    CONFIG.set(Rc::new(Config {
        price: number(stored.price),
        limit: number(stored.limit),
        refuses: flag(stored.refuses),
        silent: flag(stored.silent),
        fails: flag(stored.fails),
        twice: flag(stored.twice),
        delay: whole(stored.delay_micros).filter(|micros| *micros > 0),
    }));
}

pub fn get() -> Rc<Config> {
    CONFIG.with_borrow(Rc::clone)
}

impl Config {
    /// What this agent asks for its work.
    pub fn price(&self) -> Number {
        self.price.clone().unwrap_or_else(|| 10.into())
    }

    /// The most that it pays, and the least that it works for when it is bargained with.
    pub fn limit(&self) -> Number {
        self.limit.clone().unwrap_or_else(|| self.price())
    }
}
