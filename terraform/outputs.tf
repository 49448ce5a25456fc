# What other modules integrate with.
output "app_name" {
  description = "The application's name."
  value       = juju_application.cluster_manager.name
}

output "provides" {
  description = "The endpoints at which it provides something."
  value = {
    grafana_dashboard = "grafana-dashboard"
    metrics_endpoint  = "metrics-endpoint"
  }
}

output "requires" {
  description = "The endpoints at which it needs something."
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
