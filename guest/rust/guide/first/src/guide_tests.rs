//! The guide's "Unit Testing", as it stands but for this import.

use super::*;

use serde_json::json;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_message_processing() {
        // Mock message
        let message = json!({
            "performative": "request",
            "sender": "test_client",
            "receiver": "test_agent",
            "content": {
                "action": "process_data",
                "data": {
                    "operation": "uppercase",
                    "text": "hello world"
                }
            },
            "reply_with": "test_001"
        });

        let message_bytes = serde_json::to_vec(&message).unwrap();

        // Test agent message handling
        let result = handle_message(
            message_bytes.as_ptr(),
            message_bytes.len()
        );

        assert_eq!(result, 0); // Success
    }

    #[test]
    fn test_invalid_message_format() {
        let invalid_message = b"invalid json";

        let result = handle_message(
            invalid_message.as_ptr(),
            invalid_message.len()
        );

        assert_ne!(result, 0); // Should fail
    }

    #[test]
    fn test_resource_limits() {
        let large_data = "x".repeat(1024 * 1024 * 2); // 2MB

        let message = json!({
            "performative": "request",
            "sender": "test_client",
            "receiver": "test_agent",
            "content": {
                "action": "process_data",
                "data": large_data
            }
        });

        let message_bytes = serde_json::to_vec(&message).unwrap();

        let result = handle_message(
            message_bytes.as_ptr(),
            message_bytes.len()
        );

        assert_ne!(result, 0); // Should fail due to size limit
    }
}
