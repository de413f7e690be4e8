//! How commits are cut.

use super::{FEW_BYTES, PIECE_BYTES, PIECE_CHANGES, cut};
use crate::datum::Datum;
use crate::store::Change;

fn value(bytes: usize) -> Change {
    Change::Data { agent: 16, datum: Datum::new(b"key", Some(&vec![0; bytes])) }
}

fn cut_at(changes: &[Change]) -> Vec<usize> {
    let bytes = changes.iter().map(Change::bytes).sum();
    let pieces = cut(changes, bytes);
    let mut next = 0;
    for piece in &pieces {
        assert_eq!(piece.changes.start, next);
        assert_eq!(
            piece.bytes,
            changes[piece.changes.clone()].iter().map(Change::bytes).sum::<usize>()
        );
        next = piece.changes.end;
    }
    assert!(pieces.is_empty() || next == changes.len());
    pieces.into_iter().map(|piece| piece.changes.end).collect()
}

#[test]
fn what_fits_into_one_piece_is_not_cut() {
    assert!(cut_at(&[]).is_empty());
    assert!(cut_at(&[value(10)]).is_empty());
    assert!(cut_at(&[value(16 << 20)]).is_empty());
    let mut code = vec![value(14 << 20)];
    code.extend((0..10).map(|_| value(1000)));
    assert!(cut_at(&code).is_empty());
    let few: Vec<Change> = (0..PIECE_CHANGES).map(|_| value(10)).collect();
    assert!(cut_at(&few).is_empty());
}

#[test]
fn what_does_not_is_cut_by_bytes_and_by_number() {
    let many: Vec<Change> = (0..2 * PIECE_CHANGES + 1).map(|_| value(10)).collect();
    assert_eq!(cut_at(&many), [PIECE_CHANGES, 2 * PIECE_CHANGES, many.len()]);
    let large: Vec<Change> = (0..15).map(|_| value(PIECE_BYTES - 200)).collect();
    assert_eq!(cut_at(&large), (1..=15).collect::<Vec<_>>());
    let two = [value(FEW_BYTES + 1), value(5 << 20), value(5 << 20), value(10)];
    assert_eq!(cut_at(&two), [1, 2, 4]);
}
