# The configuration of the application and of its integrations.
variable "model_uuid" {
  description = "The UUID of the Kubernetes model to deploy to."
  type        = string
}

variable "app_name" {
  description = "The name of the application in the model."
  type        = string
  default     = "cluster-manager-k8s"
}

variable "channel" {
  description = "The channel of the charm."
  type        = string
  default     = "latest/stable"
}

variable "revision" {
  description = "The revision of the charm. Null for the latest in the channel."
  type        = number
  default     = null
}

variable "base" {
  description = "The base of the charm."
  type        = string
  default     = "ubuntu@24.04"
}

variable "units" {
  description = "The number of units."
  type        = number
  default     = 2

  validation {
    condition     = var.units >= 1
    error_message = "The number of units must be 1 or more."
  }
}

variable "constraints" {
  description = "The Juju constraints, such as \"mem=1G\". Null for none."
  type        = string
  default     = null
}

variable "config" {
  description = "The options of the charm, see docs/reference. management-api-domain and cluster-connector-domain are required."
  type        = map(string)

  validation {
    condition = alltrue([
      for option in ["management-api-domain", "cluster-connector-domain"] : contains(keys(var.config), option)
    ])
    error_message = "Set management-api-domain and cluster-connector-domain."
  }
}

variable "image" {
  description = "The OCI image of the workload. Null for the image of the charm's revision."
  type        = string
  default     = null
}

variable "integrations" {
  description = <<-EOT
    The integrations by endpoint of this application. Each names either an application in the same model with its endpoint,
    or the URL of an offer in another model.
  EOT
  type = map(object({
    application = optional(string)
    endpoint    = optional(string)
    offer_url   = optional(string)
  }))
  default = {}

  validation {
    condition = alltrue([
      for endpoint in keys(var.integrations) : contains([
        "certificates",
        "database",
        "grafana-dashboard",
        "grafana-metadata",
        "ingress",
        "logging",
        "metrics-endpoint",
        "oauth",
        "send-ca-cert",
        "send-remote-write",
        "tracing",
        "traefik-route",
      ], endpoint)
    ])
    error_message = "The keys must be endpoints of the charm."
  }

  validation {
    condition = alltrue([
      for other in values(var.integrations) : (other.application == null) != (other.offer_url == null)
    ])
    error_message = "Each integration must set either application or offer_url."
  }
}
