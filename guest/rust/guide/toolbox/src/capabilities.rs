//! The guide's "Capability Declaration".

// Agent capabilities descriptor
#[derive(Serialize, Deserialize)]
pub struct AgentCapabilities {
    /// Agent version
    pub version: String,

    /// Supported FIPA performatives
    pub performatives: Vec<String>,

    /// Supported protocols
    pub protocols: Vec<String>,

    /// Supported ontologies
    pub ontologies: Vec<String>,

    /// Resource requirements
    pub resource_requirements: ResourceRequirements,

    /// Service descriptions
    pub services: Vec<ServiceDescription>,
}

#[derive(Serialize, Deserialize)]
pub struct ResourceRequirements {
    pub min_memory_mb: u32,
    pub preferred_memory_mb: u32,
    pub cpu_intensive: bool,
    pub network_access: bool,
    pub persistence_needed: bool,
}

#[derive(Serialize, Deserialize)]
pub struct ServiceDescription {
    pub name: String,
    pub description: String,
    pub input_schema: serde_json::Value,
    pub output_schema: serde_json::Value,
    pub estimated_latency_ms: u32,
}

// Missing lines of the guide.

use serde::{Deserialize, Serialize};
