//! The operations on text.

pub fn apply(operation: &str, text: &str) -> String {
    match operation {
        "uppercase" => text.to_uppercase(),
        "lowercase" => text.to_lowercase(),
        "reverse" => text.chars().rev().collect(),
        _ => format!("Unknown operation: {operation}"),
    }
}
