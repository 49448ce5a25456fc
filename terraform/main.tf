# The application, and one integration for each endpoint in var.integrations.
resource "juju_application" "cluster_manager" {
  name        = var.app_name
  model_uuid  = var.model_uuid
  units       = var.units
  config      = var.config
  constraints = var.constraints
  resources   = var.image == null ? null : { "cluster-manager-image" = var.image }

  charm {
    name     = "cluster-manager-k8s"
    base     = var.base
    channel  = var.channel
    revision = var.revision
  }
}

resource "juju_integration" "other" {
  for_each = var.integrations

  model_uuid = var.model_uuid

  application {
    name     = juju_application.cluster_manager.name
    endpoint = each.key
  }

  application {
    name      = each.value.application
    endpoint  = each.value.endpoint
    offer_url = each.value.offer_url
  }
}
