//! Letters and messages of one transaction.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use rusqlite::Connection;

use super::{Batch, Write};
use crate::message::{Envelope, Message, Stamp};
use crate::store::Change;
use crate::store::schema::{MIGRATIONS, migrate};

fn message(row: u64) -> Message {
    let json = br#"{"performative":"inform","receiver":"a","content":1}"#;
    let stamp = Stamp { sender: Some("b"), message_id: Some("m"), ..Stamp::default() };
    let message = Message::write(&Envelope::read(json).unwrap(), &stamp).unwrap();
    assert!(message.kept().begin(|| row));
    message
}

fn letter(row: u64, message: &Message) -> Change {
    Change::Letter { row, to: 16, kind: "direct", message: message.clone() }
}

fn no_letter(row: u64, message: &Message) -> Change {
    Change::NoLetter { row, message: message.clone() }
}

/// Writes one transaction; the rows of letters and of messages that there are then.
fn written(connection: &Connection, changes: &[Change]) -> [Vec<i64>; 2] {
    let writes = [Write::Whole(changes)];
    let mut batch = Batch::new(connection);
    for write in &writes {
        batch.write(write, || Ok(())).unwrap();
    }
    batch.finish().unwrap();
    batch.committed();
    ["SELECT row FROM letters ORDER BY row", "SELECT row FROM messages ORDER BY row"].map(|sql| {
        let mut all = connection.prepare(sql).unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    })
}

#[test]
fn a_letter_that_comes_and_goes_in_one_transaction_leaves_nothing() {
    let connection = Connection::open_in_memory().unwrap();
    migrate(&connection, MIGRATIONS, 0).unwrap();
    let [first, second, third] = [message(1), message(3), message(5)];
    // In whatever order they come.
    let changes = [letter(4, &second), letter(2, &first), no_letter(4, &second)];
    assert_eq!(written(&connection, &changes), [vec![2], vec![1]]);
    let changes = [letter(6, &third), no_letter(2, &first), letter(7, &third)];
    assert_eq!(written(&connection, &changes), [vec![6, 7], vec![5]]);
    // A message goes with the last letter that names it.
    assert_eq!(written(&connection, &[no_letter(6, &third)]), [vec![7], vec![5]]);
    assert_eq!(written(&connection, &[no_letter(7, &third)]), [Vec::<i64>::new(), Vec::new()]);
}
