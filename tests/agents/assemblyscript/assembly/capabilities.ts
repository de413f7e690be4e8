/** What this agent can do. */
export const CAPABILITIES = `{
  "version": "1.0.0",
  "performatives": [
    "accept-proposal", "agree", "cancel", "cfp", "failure", "inform", "propose", "query-if", "query-ref", "refuse",
    "reject-proposal", "request", "request-when", "subscribe"
  ],
  "protocols": [
    "fipa-request", "fipa-query", "fipa-request-when", "fipa-propose", "fipa-subscribe", "fipa-contract-net",
    "fipa-iterated-contract-net", "fipa-auction-english", "fipa-auction-dutch"
  ],
  "ontologies": [],
  "resource_requirements": {
    "min_memory_mb": 1,
    "preferred_memory_mb": 4,
    "cpu_intensive": false,
    "network_access": false,
    "persistence_needed": false
  },
  "services": [
    {
      "name": "text-processing",
      "description": "Uppercases, lowercases and reverses text",
      "input_schema": {
        "type": "object",
        "properties": {
          "operation": {"type": "string"},
          "data": {"type": "string"}
        },
        "required": ["operation", "data"]
      },
      "output_schema": {
        "type": "object",
        "properties": {
          "result": {"type": "string"},
          "timestamp": {"type": "integer"}
        }
      },
      "estimated_latency_ms": 1
    }
  ]
}
`;
