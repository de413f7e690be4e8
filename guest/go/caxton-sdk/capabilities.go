package caxton

import "encoding/json"

// AgentCapabilities is what an agent says of itself: what the host keeps in its directory, so that others find
// it. Only the names of its services have to be there.
type AgentCapabilities struct {
	// Version is the agent's version.
	Version string `json:"version,omitempty"`
	// Performatives are the acts that the agent handles.
	Performatives []string `json:"performatives,omitempty"`
	// Protocols are the interaction protocols that it takes part in, such as "fipa-request".
	Protocols []string `json:"protocols,omitempty"`
	// Ontologies are those that it knows.
	Ontologies []string `json:"ontologies,omitempty"`
	// ResourceRequirements is what it needs.
	ResourceRequirements ResourceRequirements `json:"resource_requirements,omitzero"`
	// Services are what it does for others. Unless the deployer lists some, their names are its capabilities.
	Services []ServiceDescription `json:"services,omitempty"`
}

// ResourceRequirements is what an agent needs, for those who deploy it.
type ResourceRequirements struct {
	// MinMemoryMB is the least memory that it runs in, in megabytes.
	MinMemoryMB uint32 `json:"min_memory_mb"`
	// PreferredMemoryMB is the memory that it runs well in, in megabytes.
	PreferredMemoryMB uint32 `json:"preferred_memory_mb"`
	// CPUIntensive says whether it computes for long.
	CPUIntensive bool `json:"cpu_intensive"`
	// NetworkAccess says whether it wants the network.
	NetworkAccess bool `json:"network_access"`
	// PersistenceNeeded says whether what it stores has to outlast the runtime.
	PersistenceNeeded bool `json:"persistence_needed"`
}

// ServiceDescription is one service of an agent.
type ServiceDescription struct {
	// Name is the service's name, by which others find it.
	Name string `json:"name"`
	// Description says what it does, in a sentence.
	Description string `json:"description,omitempty"`
	// InputSchema is the JSON schema of the content of a request.
	InputSchema json.RawMessage `json:"input_schema,omitempty"`
	// OutputSchema is the JSON schema of the result.
	OutputSchema json.RawMessage `json:"output_schema,omitempty"`
	// EstimatedLatencyMS is how long it takes, in milliseconds.
	EstimatedLatencyMS uint32 `json:"estimated_latency_ms,omitempty"`
}
