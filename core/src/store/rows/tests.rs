#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use rusqlite::Connection;

use super::{MESSAGES, NO_MESSAGES};

#[test]
fn as_many_rows_are_written_and_deleted_as_are_given() {
    let connection = Connection::open_in_memory().unwrap();
    let table = "CREATE TABLE messages (row INTEGER PRIMARY KEY, json BLOB NOT NULL)";
    connection.execute_batch(table).unwrap();
    let rows = || -> Vec<i64> {
        let mut all = connection.prepare("SELECT row FROM messages WHERE json = row").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    // Full statements of each size, and less than one.
    for count in [0, 1, 3, 4, 15, 16, 17, 53] {
        let items: Vec<i64> = (1..=count).collect();
        MESSAGES
            .write(&connection, &items, |statement, at, row| {
                statement.raw_bind_parameter(at, row)?;
                statement.raw_bind_parameter(at + 1, row)
            })
            .unwrap();
        assert_eq!(rows(), items);
        // All but the last.
        let most = &items[..items.len().saturating_sub(1)];
        NO_MESSAGES
            .write(&connection, most, |statement, at, row| statement.raw_bind_parameter(at, row))
            .unwrap();
        assert_eq!(rows(), &items[most.len()..]);
        connection.execute("DELETE FROM messages", []).unwrap();
    }
}
