//! What an agent says of itself, as in the guide's "Capability Declaration".

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What an agent can do. What `get_capabilities` says is found with `find` and by broadcasts.
///
/// ```
/// use caxton_sdk::{AgentCapabilities, ServiceDescription};
///
/// let capabilities = AgentCapabilities::new("0.1.0")
///     .performative("request")
///     .service(ServiceDescription::new("greeting").describe("Greets by name"));
/// assert_eq!(capabilities.services[0].name, "greeting");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentCapabilities {
    /// The agent's version.
    pub version: String,
    /// The acts that it handles.
    pub performatives: Vec<String>,
    /// The interaction protocols that it takes part in.
    pub protocols: Vec<String>,
    /// The ontologies that it knows.
    pub ontologies: Vec<String>,
    /// What it needs to run.
    pub resource_requirements: ResourceRequirements,
    /// What it offers.
    pub services: Vec<ServiceDescription>,
}

/// What an agent needs to run. It is told, not enforced: the deployer's limits are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceRequirements {
    /// The least memory, in MiB.
    pub min_memory_mb: u32,
    /// The memory that it would like, in MiB.
    pub preferred_memory_mb: u32,
    /// Whether it computes much.
    pub cpu_intensive: bool,
    /// Whether it wants a network, which agents do not have.
    pub network_access: bool,
    /// Whether it stores data that has to outlive the program.
    pub persistence_needed: bool,
}

/// One service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceDescription {
    /// Its name, by which it is found.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// A JSON Schema of what it takes.
    pub input_schema: Value,
    /// A JSON Schema of what it gives.
    pub output_schema: Value,
    /// How long it takes, about, in milliseconds.
    pub estimated_latency_ms: u32,
}

impl AgentCapabilities {
    /// Those of an agent of this version that can do nothing yet.
    pub fn new(version: &str) -> Self {
        AgentCapabilities { version: version.into(), ..AgentCapabilities::default() }
    }

    /// And it handles this act.
    pub fn performative(mut self, performative: &str) -> Self {
        self.performatives.push(performative.into());
        self
    }

    /// And it takes part in this protocol.
    pub fn protocol(mut self, protocol: &str) -> Self {
        self.protocols.push(protocol.into());
        self
    }

    /// And it knows this ontology.
    pub fn ontology(mut self, ontology: &str) -> Self {
        self.ontologies.push(ontology.into());
        self
    }

    /// And it offers this service.
    pub fn service(mut self, service: ServiceDescription) -> Self {
        self.services.push(service);
        self
    }

    /// As the JSON that `get_capabilities` writes.
    pub fn to_json(&self) -> Vec<u8> {
        // Structs with texts as names can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl ServiceDescription {
    /// A service of this name, which takes and gives anything.
    pub fn new(name: &str) -> Self {
        ServiceDescription {
            name: name.into(),
            input_schema: json!({}),
            output_schema: json!({}),
            ..ServiceDescription::default()
        }
    }

    /// With what it does, in a sentence.
    pub fn describe(mut self, description: &str) -> Self {
        self.description = description.into();
        self
    }

    /// With a JSON Schema of what it takes.
    pub fn input(mut self, schema: Value) -> Self {
        self.input_schema = schema;
        self
    }

    /// With a JSON Schema of what it gives.
    pub fn output(mut self, schema: Value) -> Self {
        self.output_schema = schema;
        self
    }
}
