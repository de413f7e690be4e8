//! Changes of a large commit that wait in the store until all of them are there.
//!
//! Each is a row. They mean nothing before the commit has a row of its own; from then on they are moved
//! into place, piece by piece. A store that is opened finishes what was begun, and deletes what is void.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::apply::{apply, number};
use super::change::{AgentRow, Change, DeadLetterRow, HostRow, MessageRow, Row, SERIALS, Serial};
use super::load::{Cells, Fault, IDS, NUMBERS, TIMES, for_each};
use crate::datum::Datum;

/// The columns of a change.
#[derive(Default)]
struct Columns<'a> {
    /// The letter, dead letter, message or member.
    row: u64,
    /// Of a letter its receiver, of a timer or a subscription its id.
    other: u64,
    /// When a timer is due, or when a dead letter was given up.
    time: u64,
    /// The message of a letter or of a dead letter.
    message: u64,
    /// Whether it was made in an init.
    in_init: bool,
    text: Option<&'a str>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

/// What is said of a member or of a dead letter, as one text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said<'a> {
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    state: Option<Cow<'a, str>>,
    settings: Option<Cow<'a, str>>,
    reason: Option<Cow<'a, str>>,
}

/// Writes a change down under this number, as one of this commit.
pub(super) fn stage(
    connection: &Connection,
    commit: u64,
    at: u64,
    change: &Change,
) -> rusqlite::Result<()> {
    let mut said = None;
    let (kind, columns) = columns(change, &mut said);
    let text = columns.text.or(said.as_deref());
    connection
        .prepare_cached(
            "INSERT INTO staged \
             (number, \"commit\", kind, row, other, time, message, in_init, text, key, value) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            number(at),
            number(commit),
            kind,
            number(columns.row),
            number(columns.other),
            number(columns.time),
            number(columns.message),
            columns.in_init,
            text,
            columns.key,
            columns.value,
        ])
        .map(drop)
}

fn columns<'a>(change: &'a Change, said: &mut Option<String>) -> (&'static str, Columns<'a>) {
    let none = Columns::default;
    let mut say = |what: Said<'_>| *said = serde_json::to_string(&what).ok();
    match change {
        Change::Agent(agent) => {
            say(Said {
                id: Some(Cow::Borrowed(&agent.id)),
                name: Some(Cow::Borrowed(&agent.name)),
                state: Some(Cow::Borrowed(&agent.state)),
                settings: Some(Cow::Borrowed(&agent.settings)),
                reason: None,
            });
            let (key, value) = (Some(&agent.hash[..]), Some(&agent.wasm[..]));
            ("agent", Columns { row: agent.serial, key, value, ..none() })
        }
        Change::Host(host) => {
            say(Said {
                id: Some(Cow::Borrowed(&host.id)),
                name: Some(Cow::Borrowed(&host.name)),
                state: None,
                settings: Some(Cow::Borrowed(&host.settings)),
                reason: None,
            });
            ("host", Columns { row: host.serial, ..none() })
        }
        Change::Gone(serial) => ("gone", Columns { row: *serial, ..none() }),
        Change::State(serial, state) => {
            ("state", Columns { row: *serial, text: Some(state), ..none() })
        }
        Change::Settings(serial, settings) => {
            ("settings", Columns { row: *serial, text: Some(settings), ..none() })
        }
        Change::Writable(place) => ("writable", Columns { text: Some(place), ..none() }),
        Change::Letter { row, to, kind, message } => {
            let columns = Columns {
                row: *row,
                other: *to,
                message: message.row(),
                text: Some(kind),
                ..none()
            };
            ("letter", columns)
        }
        Change::NoLetter { row, .. } => ("no-letter", Columns { row: *row, ..none() }),
        Change::Data { agent, datum } => {
            let (key, value) = (Some(datum.key()), datum.value());
            ("data", Columns { row: *agent, key, value, ..none() })
        }
        Change::Timer { agent, id, due, in_init } => {
            let (other, time, in_init) = (u64::from(*id), *due, *in_init);
            ("timer", Columns { row: *agent, other, time, in_init, ..none() })
        }
        Change::NoTimer { agent, id } => {
            ("no-timer", Columns { row: *agent, other: u64::from(*id), ..none() })
        }
        Change::Subscription { agent, id, filter, in_init } => {
            let (other, text, in_init) = (u64::from(*id), Some(&**filter), *in_init);
            ("subscription", Columns { row: *agent, other, text, in_init, ..none() })
        }
        Change::NoSubscription { agent, id } => {
            ("no-subscription", Columns { row: *agent, other: u64::from(*id), ..none() })
        }
        Change::DeadLetter(letter) => {
            say(Said {
                id: None,
                name: letter.agent.as_deref().map(Cow::Borrowed),
                state: None,
                settings: None,
                reason: Some(Cow::Borrowed(&letter.reason)),
            });
            let (time, message) = (letter.at, letter.message.row());
            ("dead-letter", Columns { row: letter.row, time, message, ..none() })
        }
        Change::NoDeadLetter { row, .. } => ("no-dead-letter", Columns { row: *row, ..none() }),
        Change::NoMessage(row) => ("no-message", Columns { row: *row, ..none() }),
    }
}

/// Says that all changes of a commit have been staged.
pub(super) fn seal(connection: &Connection, commit: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO staged_commits (number) VALUES (?)")?
        .execute(params![number(commit)])
        .map(drop)
}

/// All changes of a commit are in their places.
pub(super) fn unseal(connection: &Connection, commit: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM staged_commits WHERE number = ?")?
        .execute(params![number(commit)])
        .map(drop)
}

/// Deletes staged changes.
pub(super) fn delete(connection: &Connection, first: u64, count: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM staged WHERE number >= ? AND number < ?")?
        .execute(params![number(first), number(first.saturating_add(count))])
        .map(drop)
}

/// Moves into place what an earlier run has left of commits that were all there, and deletes the rest.
pub(super) fn finish(connection: &Connection) -> Result<(), Fault> {
    let is_empty = |table: &str| -> rusqlite::Result<bool> {
        let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {table})");
        connection.query_row(&sql, [], |row| row.get(0))
    };
    if is_empty("staged")? && is_empty("staged_commits")? {
        return Ok(());
    }
    let sql = "SELECT number, kind, row, other, time, message, in_init, text, key, value \
               FROM staged WHERE \"commit\" IN (SELECT number FROM staged_commits) ORDER BY number";
    for_each(connection, "staged", sql, |cells| {
        let change = change(&cells)?;
        Ok(apply(connection, &change)?)
    })?;
    connection.execute_batch("DELETE FROM staged; DELETE FROM staged_commits")?;
    Ok(())
}

/// Reads a change back.
fn change(cells: &Cells<'_>) -> Result<Change<Row>, Fault> {
    let row = || cells.number(2, &NUMBERS);
    let serial = || -> Result<Serial, Fault> { cells.number(2, &NUMBERS) };
    let id = || Ok::<_, Fault>(cells.number(3, &IDS)? as u32);
    let message = || cells.number(5, &NUMBERS);
    let in_init = || Ok::<_, Fault>(cells.number(6, &(0..=1))? == 1);
    let said = || {
        serde_json::from_str::<Said<'_>>(cells.text(7)?)
            .map_err(|_| cells.wrong(7, "what is said of a member or of a dead letter"))
    };
    let lacks = || cells.wrong(7, "all that is said of it");
    Ok(match cells.text(1)? {
        "agent" => {
            let said = said()?;
            Change::Agent(Arc::new(AgentRow {
                serial: cells.number(2, &SERIALS)?,
                id: said.id.ok_or_else(lacks)?.as_ref().into(),
                name: said.name.ok_or_else(lacks)?.as_ref().into(),
                hash: cells.hash(8)?,
                wasm: Bytes::copy_from_slice(cells.bytes(9)?),
                state: said.state.ok_or_else(lacks)?.into_owned(),
                settings: said.settings.ok_or_else(lacks)?.into_owned(),
            }))
        }
        "host" => {
            let said = said()?;
            Change::Host(Arc::new(HostRow {
                serial: cells.number(2, &SERIALS)?,
                id: said.id.ok_or_else(lacks)?.as_ref().into(),
                name: said.name.ok_or_else(lacks)?.as_ref().into(),
                settings: said.settings.ok_or_else(lacks)?.into_owned(),
            }))
        }
        "gone" => Change::Gone(serial()?),
        "state" => {
            let states = ["active", "suspended", "failed"];
            let state = states.into_iter().find(|state| cells.text(7).is_ok_and(|it| it == *state));
            Change::State(serial()?, state.ok_or_else(|| cells.wrong(7, "a state"))?)
        }
        "writable" => Change::Writable(cells.text(7)?.into()),
        "settings" => Change::Settings(serial()?, cells.text(7)?.to_owned()),
        "letter" => {
            let kinds = ["direct", "copy", "failure"];
            let kind = kinds.into_iter().find(|kind| cells.text(7).is_ok_and(|it| it == *kind));
            let kind = kind.ok_or_else(|| cells.wrong(7, "a kind of letter"))?;
            Change::Letter {
                row: row()?,
                to: cells.number(3, &NUMBERS)?,
                kind,
                message: message()?,
            }
        }
        "no-letter" => Change::NoLetter { row: row()?, message: 0 },
        "data" => {
            let value = if cells.is_null(9)? { None } else { Some(cells.bytes(9)?) };
            Change::Data { agent: serial()?, datum: Datum::new(cells.bytes(8)?, value) }
        }
        "timer" => Change::Timer {
            agent: serial()?,
            id: id()?,
            due: cells.number(4, &TIMES)?,
            in_init: in_init()?,
        },
        "no-timer" => Change::NoTimer { agent: serial()?, id: id()? },
        "subscription" => Change::Subscription {
            agent: serial()?,
            id: id()?,
            filter: cells.text(7)?.into(),
            in_init: in_init()?,
        },
        "no-subscription" => Change::NoSubscription { agent: serial()?, id: id()? },
        "dead-letter" => {
            let said = said()?;
            Change::DeadLetter(Arc::new(DeadLetterRow {
                row: row()?,
                at: cells.number(4, &TIMES)?,
                agent: said.name.map(|name| name.as_ref().into()),
                reason: said.reason.ok_or_else(lacks)?.into_owned(),
                message: message()?,
            }))
        }
        "no-dead-letter" => Change::NoDeadLetter { row: row()?, message: 0 },
        "no-message" => Change::NoMessage(row()?),
        _ => return Err(cells.wrong(1, "a kind of change")),
    })
}
