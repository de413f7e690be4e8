//! Where a message belongs in a trace: the `traceparent` of W3C's Trace Context, which is carried as
//! the field `X-traceparent`.

use std::fmt;

/// A trace, and the span in it that something was caused by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traceparent {
    pub trace_id: u128,
    pub span_id: u64,
    /// Bit 0: the trace is recorded.
    pub flags: u8,
}

impl Traceparent {
    /// The field of a message.
    pub const FIELD: &'static str = "X-traceparent";

    /// Reads the text form, `00-TRACE-SPAN-FLAGS` in lower-case hexadecimal digits. Of later versions
    /// the part is read that they share with this one, as the recommendation asks.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            digits.bytes().all(lower).then(|| u128::from_str_radix(digits, 16).ok())?
        };
        let dashes = [2, 35, 52].iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'));
        let version = hex(0..2)?;
        let ends_well = match version {
            0 => text.len() == 55,
            0xff => false,
            _ => text.len() == 55 || text.as_bytes().get(55) == Some(&b'-'),
        };
        let read = Traceparent {
            trace_id: hex(3..35)?,
            span_id: hex(36..52)? as u64,
            flags: hex(53..55)? as u8,
        };
        (dashes && ends_well && read.trace_id != 0 && read.span_id != 0).then_some(read)
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_recommendation_allows_is_read() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = Traceparent {
            trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
            span_id: 0xb7ad_6b71_6920_3331,
            flags: 1,
        };
        assert_eq!(Traceparent::parse(good), Some(read));
        assert_eq!(read.to_string(), good);
        for later in [good.replacen("00", "cc", 1), good.replacen("00", "cc", 1) + "-more"] {
            assert_eq!(Traceparent::parse(&later), Some(read), "{later}");
        }
        for bad in [
            "",
            "00",
            &good.replacen("00", "ff", 1),
            &format!("{good}-more"),
            &format!("{good}x"),
            &good.to_uppercase(),
            &good.replace('-', "_"),
            &good.replace("b7ad6b7169203331", "0000000000000000"),
            &good.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &good.replace("0af7", "+af7"),
            &good.replace("0af7", "é97"),
        ] {
            assert_eq!(Traceparent::parse(bad), None, "{bad}");
        }
    }
}
