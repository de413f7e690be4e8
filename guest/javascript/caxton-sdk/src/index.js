export { Agent } from "./agent.js";
export {
  HostError,
  broadcastMessage,
  cancelTimer,
  consoleError,
  consoleLog,
  currentTimestamp,
  dataSize,
  deleteData,
  load,
  loadData,
  log,
  randomU32,
  sendLocalMessage,
  sendMessage,
  setTimer,
  sleepMicros,
  store,
  storeData,
  subscribeMessages,
  unsubscribeMessages,
} from "./host.js";
export { FipaMessage, MessageError, parseMessage } from "./message.js";
export {
  Failure,
  NotUnderstood,
  Refuse,
  sendFailure,
  sendInformResponse,
  sendNotUnderstood,
  sendReply,
} from "./reply.js";
export { toBytes, toText } from "./utf8.js";
