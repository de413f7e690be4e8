//! Reading all that a store holds. The file is input like any other: what is not as it was written
//! is an error, not a panic.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use rusqlite::{Connection, Row};

use super::change::{AgentRow, Contents, DeadLetterRow, HostRow, LetterRow, StoredAgent};
use super::sqlite::{explain, shared};
use crate::error::{Error, ErrorKind};

/// Everything in the store at `path`.
pub(super) fn contents(connection: &Connection, path: &Path) -> Result<Contents, Error> {
    let wrong = |error: rusqlite::Error| match error {
        rusqlite::Error::SqliteFailure(..) => explain(path, error),
        // A value is of another type, or out of its range.
        error => Error::new(
            ErrorKind::Store,
            format!("the store {} is damaged: {error}; restore a copy", path.display()),
        ),
    };
    read(connection).map_err(wrong)
}

fn read(connection: &Connection) -> rusqlite::Result<Contents> {
    let mut modules: HashMap<Vec<u8>, Bytes> = HashMap::new();
    for_each(connection, "SELECT hash, wasm FROM modules", |row| {
        modules.insert(row.get(0)?, Bytes::from(row.get::<_, Vec<u8>>(1)?));
        Ok(())
    })?;
    let mut contents = Contents::default();
    for_each(
        connection,
        "SELECT serial, id, name, module, state, settings, next_timer, next_subscription \
         FROM agents ORDER BY serial",
        |row| {
            let hash: Vec<u8> = row.get(3)?;
            let missing = || rusqlite::Error::InvalidColumnName("a module".to_owned());
            contents.agents.push(StoredAgent {
                row: AgentRow {
                    serial: unsigned(row, 0)?,
                    id: row.get::<_, String>(1)?.into(),
                    name: row.get::<_, String>(2)?.into(),
                    wasm: modules.get(&hash).cloned().ok_or_else(missing)?,
                    hash: hash.try_into().map_err(|_| missing())?,
                    state: row.get(4)?,
                    settings: row.get(5)?,
                },
                data: Vec::new(),
                timers: Vec::new(),
                subscriptions: Vec::new(),
                next_timer: row.get(6)?,
                next_subscription: row.get(7)?,
            });
            Ok(())
        },
    )?;
    let places: HashMap<u64, usize> =
        contents.agents.iter().enumerate().map(|(at, agent)| (agent.row.serial, at)).collect();
    let agents = &mut contents.agents;
    // What belongs to nobody was left by a deployment that came to nothing.
    for_each(connection, "SELECT agent, key, value FROM data", |row| {
        if let Some(at) = places.get(&unsigned(row, 0)?) {
            agents[*at].data.push((shared(row.get(1)?), shared(row.get(2)?)));
        }
        Ok(())
    })?;
    for_each(connection, "SELECT agent, id, due, in_init FROM timers", |row| {
        if let Some(at) = places.get(&unsigned(row, 0)?) {
            agents[*at].timers.push((row.get(1)?, unsigned(row, 2)?, row.get(3)?));
        }
        Ok(())
    })?;
    for_each(connection, "SELECT agent, id, filter, in_init FROM subscriptions", |row| {
        if let Some(at) = places.get(&unsigned(row, 0)?) {
            agents[*at].subscriptions.push((row.get(1)?, row.get(2)?, row.get(3)?));
        }
        Ok(())
    })?;
    for_each(connection, "SELECT serial, id, name, settings FROM hosts ORDER BY serial", |row| {
        contents.hosts.push(HostRow {
            serial: unsigned(row, 0)?,
            id: row.get::<_, String>(1)?.into(),
            name: row.get::<_, String>(2)?.into(),
            settings: row.get(3)?,
        });
        Ok(())
    })?;
    for_each(connection, "SELECT row, receiver, kind, message FROM letters ORDER BY row", |row| {
        contents.letters.push(LetterRow {
            row: unsigned(row, 0)?,
            to: unsigned(row, 1)?,
            kind: row.get(2)?,
            message: Bytes::from(row.get::<_, Vec<u8>>(3)?),
        });
        Ok(())
    })?;
    for_each(
        connection,
        "SELECT row, at, agent, reason, message FROM dead_letters ORDER BY row",
        |row| {
            contents.dead_letters.push(DeadLetterRow {
                row: unsigned(row, 0)?,
                at: unsigned(row, 1)?,
                agent: row.get::<_, Option<String>>(2)?.map(Into::into),
                reason: row.get(3)?,
                message: Bytes::from(row.get::<_, Vec<u8>>(4)?),
            });
            Ok(())
        },
    )?;
    for_each(connection, "SELECT name, value FROM marks", |row| {
        let value = unsigned(row, 1)?;
        match row.get::<_, String>(0)?.as_str() {
            "rows" => contents.next_row = value,
            "serials" => contents.next_serial = value,
            _ => {}
        }
        Ok(())
    })?;
    Ok(contents)
}

fn for_each(
    connection: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}
