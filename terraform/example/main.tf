# A deployment to copy: PostgreSQL, certificates and Traefik in the same model, and monitoring through the offers of COS
# Lite in another model.
terraform {
  required_version = ">= 1.5"

  required_providers {
    juju = {
      source  = "juju/juju"
      version = ">= 1.0, < 2.0"
    }
  }
}

variable "oidc_client_secret_id" {
  description = "The id of a Juju secret with the key `secret` that is granted to cluster-manager-k8s."
  type        = string
}

resource "juju_model" "clusters" {
  name = "clusters"

  cloud {
    name = "k8s"
  }
}

resource "juju_application" "postgresql" {
  name       = "postgresql-k8s"
  model_uuid = juju_model.clusters.uuid
  trust      = true

  charm {
    name    = "postgresql-k8s"
    channel = "14/stable"
  }
}

resource "juju_application" "certificates" {
  name       = "self-signed-certificates"
  model_uuid = juju_model.clusters.uuid

  charm {
    name    = "self-signed-certificates"
    channel = "1/stable"
  }
}

resource "juju_application" "traefik" {
  name       = "traefik-k8s"
  model_uuid = juju_model.clusters.uuid
  trust      = true

  charm {
    name    = "traefik-k8s"
    channel = "latest/stable"
  }
}

module "cluster_manager" {
  source = "./.."

  model_uuid = juju_model.clusters.uuid
  config = {
    "management-api-domain"    = "manager.example.com"
    "cluster-connector-domain" = "sites.example.com"
    "oidc-issuer"              = "https://login.example.com"
    "oidc-client-id"           = "cluster-manager"
    "oidc-client-secret"       = "secret:${var.oidc_client_secret_id}"
  }
  integrations = {
    "certificates"      = { application = juju_application.certificates.name, endpoint = "certificates" }
    "database"          = { application = juju_application.postgresql.name, endpoint = "database" }
    "grafana-dashboard" = { offer_url = "admin/cos.grafana-dashboards" }
    "logging"           = { offer_url = "admin/cos.loki-logging" }
    "metrics-endpoint"  = { offer_url = "admin/cos.prometheus-scrape" }
    "send-remote-write" = { offer_url = "admin/cos.prometheus-receive-remote-write" }
    "traefik-route"     = { application = juju_application.traefik.name, endpoint = "traefik-route" }
  }
}
