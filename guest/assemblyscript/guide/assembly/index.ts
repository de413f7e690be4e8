// assembly/index.ts
import { JSON } from "assemblyscript-json";
import { console } from "./console";

class ProcessRequest {
    data: string = "";
    operation: string = "";
}

class ProcessResponse {
    result: string = "";
    timestamp: u64 = 0;
}

export function agent_init(): i32 {
    console.log("AssemblyScript agent initializing...");
    return 0;
}

export function handle_message(msgPtr: i32, msgLen: i32): i32 {
    // Read message from memory
    const msgBuffer = new ArrayBuffer(msgLen);
    memory.copy(changetype<usize>(msgBuffer), msgPtr, msgLen);
    const msgStr = String.UTF8.decode(msgBuffer);

    // Parse FIPA message
    const jsonObj = JSON.parse(msgStr);
    const performative = jsonObj.getString("performative");

    if (performative == "request") {
        return handleRequest(jsonObj);
    } else if (performative == "inform") {
        return handleInform(jsonObj);
    }

    return 1; // Error
}

function handleRequest(message: JSON.Obj): i32 {
    const content = message.getObj("content");
    const action = content?.getString("action");

    if (action == "process_data") {
        const data = content!.getString("data");
        const operation = content!.getString("operation");

        let result: string;
        if (operation == "uppercase") {
            result = data.toUpperCase();
        } else if (operation == "lowercase") {
            result = data.toLowerCase();
        } else {
            result = "Unknown operation";
        }

        // Send response back to host
        sendInformResponse(message, result);
        return 0;
    }

    return 1;
}

function sendInformResponse(originalMessage: JSON.Obj, result: string): void {
    const response = new JSON.Obj();
    response.set("performative", "inform");
    response.set("sender", originalMessage.getString("receiver"));
    response.set("receiver", originalMessage.getString("sender"));
    response.set("in_reply_to", originalMessage.getString("reply_with"));

    const content = new JSON.Obj();
    content.set("result", result);
    content.set("timestamp", getCurrentTimestamp().toString());
    response.set("content", content);

    const responseStr = response.toString();
    const responseBytes = String.UTF8.encode(responseStr);

    // Send to host via imported function
    send_message(changetype<i32>(responseBytes), responseBytes.byteLength);
}

// Imported from host
declare function send_message(ptr: i32, len: i32): void;
declare function current_timestamp(): u64;

function getCurrentTimestamp(): u64 {
    return current_timestamp();
}

// The guide calls this function and does not show it.
function handleInform(message: JSON.Obj): i32 {
    return 0;
}
