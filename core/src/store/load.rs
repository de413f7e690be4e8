//! Reading all that a store holds. The file is input like any other: what is not as it was written
//! is an error that names it, not a panic.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::change::{
    AgentRow, Contents, DeadLetterRow, HostRow, LetterRow, SERIALS, Serial, StoredAgent, WRITABLE,
};
use crate::datum::Datum;
use crate::grants::MAX_WRITABLE;

/// Why a store could not be read.
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    /// What is not as it was written.
    Damaged(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

/// Numbers of rows and serials: none is ever given that is not far below the end.
pub(super) const NUMBERS: RangeInclusive<u64> = 0..=(1 << 62);
/// Ids of timers and subscriptions: guests see them as positive `i32`.
pub(super) const IDS: RangeInclusive<u64> = 1..=i32::MAX as u64;
/// The next of them.
const NEXT_IDS: RangeInclusive<u64> = 1..=1 << 31;
pub(super) const TIMES: RangeInclusive<u64> = 0..=i64::MAX as u64;

/// Everything in a store.
pub(super) fn contents(connection: &Connection) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    marks(connection, &mut contents)?;
    contents.agents = agents(connection)?;
    let hosts = "SELECT serial, id, name, settings FROM hosts ORDER BY serial";
    for_each(connection, "hosts", hosts, |row| {
        contents.hosts.push(HostRow {
            serial: row.number(0, &SERIALS)?,
            id: row.text(1)?.into(),
            name: row.text(2)?.into(),
            settings: row.text(3)?.to_owned(),
        });
        Ok(())
    })?;
    what_agents_have(connection, &mut contents)?;
    letters(connection, &mut contents)?;
    messages(connection, &mut contents)?;
    // A mark that is too low would give numbers twice.
    let members = contents.agents.iter().map(|agent| agent.row.serial);
    let members = members.chain(contents.hosts.iter().map(|host| host.serial));
    let serials = members.chain(contents.leftovers.orphans.iter().copied());
    contents.next_serial = above(contents.next_serial, serials);
    let rows = contents.letters.iter().map(|letter| letter.row);
    let rows = rows.chain(contents.dead_letters.iter().map(|letter| letter.row));
    let rows = rows
        .chain(contents.messages.keys().copied())
        .chain(contents.leftovers.unnamed.iter().copied());
    contents.next_row = above(contents.next_row, rows);
    Ok(contents)
}

fn above(mark: u64, numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(mark, |mark, number| mark.max(number + 1))
}

fn marks(connection: &Connection, contents: &mut Contents) -> Result<(), Fault> {
    for_each(connection, "marks", "SELECT name, value FROM marks", |row| {
        let value = row.number(1, &NUMBERS)?;
        match row.text(0)? {
            "rows" => contents.next_row = value,
            "serials" => contents.next_serial = value,
            name => {
                // Of more than are remembered it only counts that there are more.
                if let Some(place) = name.strip_prefix(WRITABLE)
                    && contents.writable.len() <= MAX_WRITABLE
                {
                    contents.writable.insert(place.into());
                }
            }
        }
        Ok(())
    })
}

fn agents(connection: &Connection) -> Result<Vec<StoredAgent>, Fault> {
    let mut modules: HashMap<[u8; 32], Bytes> = HashMap::new();
    for_each(connection, "modules", "SELECT hash, wasm FROM modules", |row| {
        modules.insert(row.hash(0)?, Bytes::copy_from_slice(row.bytes(1)?));
        Ok(())
    })?;
    let mut agents = Vec::new();
    let sql = "SELECT serial, id, name, module, state, settings, next_timer, next_subscription \
               FROM agents ORDER BY serial";
    for_each(connection, "agents", sql, |row| {
        let hash = row.hash(3)?;
        let Some(wasm) = modules.get(&hash).cloned() else {
            return Err(row.fault("the module is missing"));
        };
        let state = row.text(4)?;
        if !matches!(state, "active" | "suspended" | "failed") {
            return Err(row.wrong(4, "`active`, `suspended` or `failed`"));
        }
        agents.push(StoredAgent {
            row: AgentRow {
                serial: row.number(0, &SERIALS)?,
                id: row.text(1)?.into(),
                name: row.text(2)?.into(),
                wasm,
                hash,
                state: state.to_owned(),
                settings: row.text(5)?.to_owned(),
            },
            data: Vec::new(),
            timers: Vec::new(),
            subscriptions: Vec::new(),
            next_timer: row.number(6, &NEXT_IDS)? as u32,
            next_subscription: row.number(7, &NEXT_IDS)? as u32,
        });
        Ok(())
    })?;
    Ok(agents)
}

/// Data, timers and subscriptions. Those of nobody were left by a deployment that came to nothing.
fn what_agents_have(connection: &Connection, contents: &mut Contents) -> Result<(), Fault> {
    let places: HashMap<Serial, usize> =
        contents.agents.iter().enumerate().map(|(at, agent)| (agent.row.serial, at)).collect();
    let mut orphans = BTreeSet::new();
    let agents = &mut contents.agents;
    for_each(connection, "data", "SELECT agent, key, value FROM data", |row| {
        let serial = row.number(0, &NUMBERS)?;
        let (key, value) = (row.bytes(1)?, row.bytes(2)?);
        match places.get(&serial) {
            Some(at) => agents[*at].data.push(Datum::new(key, Some(value))),
            None => drop(orphans.insert(serial)),
        }
        Ok(())
    })?;
    let sql = "SELECT agent, id, due, in_init FROM timers ORDER BY due, id";
    for_each(connection, "timers", sql, |row| {
        let (serial, id) = (row.number(0, &NUMBERS)?, row.number(1, &IDS)? as u32);
        let (due, in_init) = (row.number(2, &TIMES)?, row.number(3, &(0..=1))? == 1);
        match places.get(&serial) {
            Some(at) => {
                let agent = &mut agents[*at];
                agent.timers.push((id, due, in_init));
                agent.next_timer = agent.next_timer.max(id + 1);
            }
            None => drop(orphans.insert(serial)),
        }
        Ok(())
    })?;
    let sql = "SELECT agent, id, filter, in_init FROM subscriptions";
    for_each(connection, "subscriptions", sql, |row| {
        let (serial, id) = (row.number(0, &NUMBERS)?, row.number(1, &IDS)? as u32);
        let (filter, in_init) = (row.text(2)?.to_owned(), row.number(3, &(0..=1))? == 1);
        match places.get(&serial) {
            Some(at) => {
                let agent = &mut agents[*at];
                agent.subscriptions.push((id, filter, in_init));
                agent.next_subscription = agent.next_subscription.max(id + 1);
            }
            None => drop(orphans.insert(serial)),
        }
        Ok(())
    })?;
    contents.leftovers.orphans = orphans.into_iter().collect();
    Ok(())
}

fn letters(connection: &Connection, contents: &mut Contents) -> Result<(), Fault> {
    let sql = "SELECT row, receiver, kind, message FROM letters ORDER BY row";
    for_each(connection, "letters", sql, |row| {
        let kind = row.text(2)?;
        if !matches!(kind, "direct" | "copy" | "failure") {
            return Err(row.wrong(2, "`direct`, `copy` or `failure`"));
        }
        contents.letters.push(LetterRow {
            row: row.number(0, &NUMBERS)?,
            to: row.number(1, &NUMBERS)?,
            kind: kind.to_owned(),
            message: row.number(3, &NUMBERS)?,
        });
        Ok(())
    })?;
    let sql = "SELECT row, at, agent, reason, message FROM dead_letters ORDER BY row";
    for_each(connection, "dead_letters", sql, |row| {
        contents.dead_letters.push(DeadLetterRow {
            row: row.number(0, &NUMBERS)?,
            at: row.number(1, &TIMES)?,
            agent: if row.is_null(2)? { None } else { Some(row.text(2)?.into()) },
            reason: row.text(3)?.to_owned(),
            message: row.number(4, &NUMBERS)?,
        });
        Ok(())
    })
}

/// The messages that letters and dead letters name: each is there.
fn messages(connection: &Connection, contents: &mut Contents) -> Result<(), Fault> {
    let of_letters = contents.letters.iter().map(|letter| (letter.message, "letters", letter.row));
    let of_dead = contents.dead_letters.iter();
    let of_dead = of_dead.map(|letter| (letter.message, "dead_letters", letter.row));
    let named: HashMap<_, _> =
        of_letters.chain(of_dead).map(|(message, table, row)| (message, (table, row))).collect();
    for_each(connection, "messages", "SELECT row, json FROM messages", |row| {
        let number = row.number(0, &NUMBERS)?;
        let json = row.bytes(1)?;
        if named.contains_key(&number) {
            contents.messages.insert(number, Bytes::copy_from_slice(json));
        } else {
            contents.leftovers.unnamed.push(number);
        }
        Ok(())
    })?;
    match named.iter().find(|(message, _)| !contents.messages.contains_key(message)) {
        Some((message, (table, row))) => {
            let text = format!(
                "in the table `{table}`, at the row {row}, the message {message} is missing"
            );
            Err(Fault::Damaged(text))
        }
        None => Ok(()),
    }
}

/// One row, whose values are taken for nothing before they have been looked at.
pub(super) struct Cells<'a> {
    table: &'static str,
    row: &'a Row<'a>,
}

pub(super) fn for_each(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    mut take: impl FnMut(Cells<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(Cells { table, row })?;
    }
    Ok(())
}

impl Cells<'_> {
    pub fn number(&self, column: usize, range: &RangeInclusive<u64>) -> Result<u64, Fault> {
        if let ValueRef::Integer(number) = self.row.get_ref(column)?
            && let Ok(number) = u64::try_from(number)
            && range.contains(&number)
        {
            return Ok(number);
        }
        Err(self.wrong(column, &format!("a number from {} to {}", range.start(), range.end())))
    }

    pub fn text(&self, column: usize) -> Result<&str, Fault> {
        if let ValueRef::Text(bytes) = self.row.get_ref(column)?
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Ok(text);
        }
        Err(self.wrong(column, "text in UTF-8"))
    }

    pub fn bytes(&self, column: usize) -> Result<&[u8], Fault> {
        match self.row.get_ref(column)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            _ => Err(self.wrong(column, "a blob")),
        }
    }

    pub fn hash(&self, column: usize) -> Result<[u8; 32], Fault> {
        self.bytes(column)?.try_into().map_err(|_| self.wrong(column, "a hash of 32 bytes"))
    }

    pub fn is_null(&self, column: usize) -> Result<bool, Fault> {
        Ok(self.row.get_ref(column)? == ValueRef::Null)
    }

    /// The value of a column is not what it should be.
    pub fn wrong(&self, column: usize, expected: &str) -> Fault {
        let name = self.row.as_ref().column_name(column).unwrap_or("a column");
        let found = match self.row.get_ref(column) {
            Ok(ValueRef::Null) => "NULL".to_owned(),
            Ok(ValueRef::Integer(number)) => number.to_string(),
            Ok(ValueRef::Real(number)) => number.to_string(),
            Ok(ValueRef::Text(text)) => {
                let text = String::from_utf8_lossy(&text[..text.len().min(64)]);
                format!("the text {text:?}")
            }
            Ok(ValueRef::Blob(bytes)) => format!("a blob of {} bytes", bytes.len()),
            Err(error) => error.to_string(),
        };
        self.fault(&format!("`{name}` is {found}, expected {expected}"))
    }

    /// Names the row by its first number.
    fn fault(&self, what: &str) -> Fault {
        let table = self.table;
        let name = self.row.as_ref().column_name(0).unwrap_or("row");
        Fault::Damaged(match self.row.get_ref(0) {
            Ok(ValueRef::Integer(number)) => {
                format!("in the table `{table}`, at the {name} {number}, {what}")
            }
            _ => format!("in the table `{table}`, {what}"),
        })
    }
}
