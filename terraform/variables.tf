# What can be said about the application and what it is integrated with.
variable "model_uuid" {
  description = "The UUID of the model to deploy to, on Kubernetes."
  type        = string
}

variable "app_name" {
  description = "The application's name in the model."
  type        = string
  default     = "cluster-manager-k8s"
}

variable "channel" {
  description = "The channel that the charm comes from."
  type        = string
  default     = "latest/stable"
}

variable "revision" {
  description = "The charm's revision; null: the channel's newest."
  type        = number
  default     = null
}

variable "base" {
  description = "The charm's base."
  type        = string
  default     = "ubuntu@24.04"
}

variable "units" {
  description = "How many units."
  type        = number
  default     = 2

  validation {
    condition     = var.units >= 1
    error_message = "There must be one unit at least."
  }
}

variable "constraints" {
  description = "Juju constraints, such as \"mem=1G\"; null: none."
  type        = string
  default     = null
}

variable "config" {
  description = "The charm's options: docs/reference has them. management-api-domain and cluster-connector-domain are required."
  type        = map(string)

  validation {
    condition = alltrue([
      for option in ["management-api-domain", "cluster-connector-domain"] : contains(keys(var.config), option)
    ])
    error_message = "Set management-api-domain and cluster-connector-domain."
  }
}

variable "image" {
  description = "The workload's OCI image; null: the one that comes with the charm's revision."
  type        = string
  default     = null
}

variable "integrations" {
  description = <<-EOT
    What the application is integrated with, by its own endpoint: either an application of the same model with its
    endpoint, or the URL of another model's offer.
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
    error_message = "The charm has no endpoint of that name."
  }

  validation {
    condition = alltrue([
      for other in values(var.integrations) : (other.application == null) != (other.offer_url == null)
    ])
    error_message = "Say either application or offer_url."
  }
}
