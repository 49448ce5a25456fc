# The values that other modules need for integrations.
output "app_name" {
  description = "The name of the application."
  value       = juju_application.cluster_manager.name
}

output "provides" {
  description = "The endpoints that the application provides."
  value = {
    grafana_dashboard = "grafana-dashboard"
    metrics_endpoint  = "metrics-endpoint"
  }
}

output "requires" {
  description = "The endpoints that the application requires."
  value = {
    certificates      = "certificates"
    database          = "database"
    grafana_metadata  = "grafana-metadata"
    ingress           = "ingress"
    logging           = "logging"
    oauth             = "oauth"
    send_ca_cert      = "send-ca-cert"
    send_remote_write = "send-remote-write"
    tracing           = "tracing"
    traefik_route     = "traefik-route"
  }
}
