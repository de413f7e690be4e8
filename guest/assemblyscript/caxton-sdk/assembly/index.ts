// The guest kit: what an agent in AssemblyScript imports.

export { caxton_alloc, caxton_free } from "./allocator";
export { handleOther, sendFailure, sendInformResponse, sendNotUnderstood, sendReply } from "./answers";
export { writeCapabilities } from "./capabilities";
export { console } from "./console";
export { HostError, errorText } from "./errors";
export {
  broadcastMessage,
  cancelTimer,
  currentTimestamp,
  dataSize,
  deleteData,
  loadData,
  randomU32,
  sendLocalMessage,
  sendMessage,
  setTimer,
  sleepMicros,
  storeData,
  subscribeMessages,
  unsubscribeMessages,
} from "./host";
export { Json, JsonMember } from "./json";
export { LogLevel, consoleError, consoleLog, log } from "./log";
export { FipaMessage, parseMessage } from "./message";
export { parseError } from "./scan";
export { config, load, store } from "./state";
export { JsonArray, JsonObject, writeJson } from "./write";
