// The log of the agent, under the name that the guide's agent imports.

export { console } from "caxton-sdk/assembly";
