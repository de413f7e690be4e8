//! Changes as statements of SQL.

use rusqlite::{Connection, params};

use super::change::{Change, MessageRow, Serial, WRITABLE};

/// Makes one change. What it does to the messages that it names is for [`super::batch`].
pub(super) fn apply<M: MessageRow>(
    connection: &Connection,
    change: &Change<M>,
) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(values).map(drop)
    };
    match change {
        Change::Letter { row, to, kind, message } => run(
            "INSERT INTO letters (row, receiver, kind, message) VALUES (?, ?, ?, ?)",
            params![number(*row), number(*to), kind, number(message.row())],
        ),
        Change::NoLetter { row, .. } => {
            run("DELETE FROM letters WHERE row = ?", params![number(*row)])
        }
        Change::Data { agent, datum } => match datum.value() {
            Some(value) => run(super::rows::PUT, params![number(*agent), datum.key(), value]),
            None => run(
                "DELETE FROM data WHERE agent = ? AND key = ?",
                params![number(*agent), datum.key()],
            ),
        },
        Change::Timer { agent, id, due, in_init } => {
            run(
                "INSERT OR REPLACE INTO timers (agent, id, due, in_init) VALUES (?, ?, ?, ?)",
                params![number(*agent), id, number(*due), in_init],
            )?;
            run(
                "UPDATE agents SET next_timer = max(next_timer, ?) WHERE serial = ?",
                params![i64::from(*id) + 1, number(*agent)],
            )
        }
        Change::NoTimer { agent, id } => {
            run("DELETE FROM timers WHERE agent = ? AND id = ?", params![number(*agent), id])
        }
        Change::Subscription { agent, id, filter, in_init } => {
            run(
                "INSERT OR REPLACE INTO subscriptions (agent, id, filter, in_init) \
                 VALUES (?, ?, ?, ?)",
                params![number(*agent), id, filter.as_ref(), in_init],
            )?;
            run(
                "UPDATE agents SET next_subscription = max(next_subscription, ?) WHERE serial = ?",
                params![i64::from(*id) + 1, number(*agent)],
            )
        }
        Change::NoSubscription { agent, id } => {
            run("DELETE FROM subscriptions WHERE agent = ? AND id = ?", params![number(*agent), id])
        }
        Change::Agent(row) => {
            if !make_way(connection, &row.name, row.serial)? {
                return Ok(());
            }
            let hash = row.hash.as_slice();
            let known = connection
                .prepare_cached("SELECT 1 FROM modules WHERE hash = ?")?
                .exists(params![hash])?;
            if !known {
                run(
                    "INSERT INTO modules (hash, wasm) VALUES (?, ?)",
                    params![hash, row.wasm.as_ref()],
                )?;
            }
            run(
                "INSERT INTO agents (serial, id, name, module, state, settings) \
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (serial) DO UPDATE SET \
                 module = excluded.module, state = excluded.state, settings = excluded.settings",
                params![
                    number(row.serial),
                    row.id.as_ref(),
                    row.name.as_ref(),
                    hash,
                    row.state,
                    row.settings
                ],
            )?;
            drop_unused_modules(connection)
        }
        Change::Writable(place) => run(
            "INSERT OR IGNORE INTO marks (name, value) VALUES (?, 1)",
            params![format!("{WRITABLE}{place}")],
        ),
        Change::Host(row) => {
            if !make_way(connection, &row.name, row.serial)? {
                return Ok(());
            }
            run(
                "INSERT OR REPLACE INTO hosts (serial, id, name, settings) VALUES (?, ?, ?, ?)",
                params![number(row.serial), row.id.as_ref(), row.name.as_ref(), row.settings],
            )
        }
        Change::State(serial, state) => {
            run("UPDATE agents SET state = ? WHERE serial = ?", params![state, number(*serial)])
        }
        Change::Settings(serial, settings) => {
            let values = params![settings, number(*serial)];
            run("UPDATE agents SET settings = ? WHERE serial = ?", values)?;
            run("UPDATE hosts SET settings = ? WHERE serial = ?", values)
        }
        Change::Gone(serial) => {
            forget(connection, number(*serial))?;
            drop_unused_modules(connection)
        }
        Change::DeadLetter(letter) => run(
            "INSERT OR REPLACE INTO dead_letters (row, at, agent, reason, message) \
             VALUES (?, ?, ?, ?, ?)",
            params![
                number(letter.row),
                number(letter.at),
                letter.agent.as_deref(),
                letter.reason,
                number(letter.message.row())
            ],
        ),
        Change::NoDeadLetter { row, .. } => {
            run("DELETE FROM dead_letters WHERE row = ?", params![number(*row)])
        }
        Change::NoMessage(row) => run("DELETE FROM messages WHERE row = ?", params![number(*row)]),
    }
}

/// Makes way for a member of this name and serial; false where a later one has the name already, so
/// that this one is about to go. Commits of different members come in any order, and a name that is
/// free again may be given before the end of who had it is written.
fn make_way(connection: &Connection, name: &str, serial: Serial) -> rusqlite::Result<bool> {
    let serial = number(serial);
    let mut others = connection.prepare_cached(
        "SELECT serial FROM agents WHERE name = ?1 AND serial <> ?2 \
         UNION ALL SELECT serial FROM hosts WHERE name = ?1 AND serial <> ?2",
    )?;
    let others = others.query_map(params![name, serial], |row| row.get(0))?;
    let others: Vec<i64> = others.collect::<Result<_, _>>()?;
    if others.iter().any(|other| *other > serial) {
        return Ok(false);
    }
    for other in others {
        forget(connection, other)?;
    }
    Ok(true)
}

/// Deletes a member with all that it has. Letters to it stay: each is ended by whoever ends the member,
/// and what is left of them when the store is opened becomes a dead letter.
fn forget(connection: &Connection, serial: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM data WHERE agent = ?",
        "DELETE FROM timers WHERE agent = ?",
        "DELETE FROM subscriptions WHERE agent = ?",
        "DELETE FROM hosts WHERE serial = ?",
        "DELETE FROM agents WHERE serial = ?",
    ] {
        connection.prepare_cached(sql)?.execute(params![serial])?;
    }
    Ok(())
}

fn drop_unused_modules(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM modules WHERE NOT EXISTS \
             (SELECT 1 FROM agents WHERE agents.module = modules.hash)",
        )?
        .execute([])
        .map(drop)
}

/// SQLite's integers are signed. What does not fit is a time that never comes.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
