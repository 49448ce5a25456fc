//! Every route as each role, without credentials, and with invalid ones.

use fleet::Role;
use harness::management::ApiResponse;
use harness::{Api, Hub, ManagementUnit};
use management::http::routes::{Access, ROUTES, Route};

/// The path of the route, with something that does not exist in its braces.
fn example(route: &Route) -> String {
    route.path.replace("{name}", "no%2Fbody").replace("{id}", "no-id").replace("{*rest}", "1.0")
}

/// Whether the handler of the route was reached, whatever it does with an empty request.
fn was_admitted(reply: &ApiResponse) -> bool {
    !matches!(reply.error(), (401, _) | (403, "Forbidden"))
}

async fn call(api: &Api, route: &Route) -> ApiResponse {
    let path = if route.path == "/1.0/changes" { "/1.0/changes?max=1".to_owned() } else { example(route) };
    ApiResponse::read(api.request(route.method.as_str(), &path)).await
}

#[tokio::test]
async fn each_route_admits_exactly_the_roles_of_the_table() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    let anybody = unit.anybody(&hub);
    let mut roles = Vec::new();
    for role in Role::ALL {
        roles.push((role, unit.as_role(&hub, role).await));
    }
    for route in ROUTES {
        let name = format!("{} {}", route.method, route.path);
        let unsigned = call(&anybody, route).await;
        let is_public = route.access == Access::Public;
        assert_eq!(was_admitted(&unsigned), is_public, "{name} unsigned: {}", unsigned.text);
        if !is_public {
            assert_eq!(unsigned.error(), (401, "Unauthorized"), "{name}");
            let nonsense = anybody.request(route.method.as_str(), &example(route)).bearer_auth("nonsense");
            assert_eq!(ApiResponse::read(nonsense).await.error(), (401, "Unauthorized"), "{name}");
        }
        for (role, api) in &roles {
            let reply = call(api, route).await;
            let may = match route.access {
                Access::Public | Access::SignedIn => true,
                Access::Role(needed) => *role >= needed,
            };
            assert_eq!(was_admitted(&reply), may, "{name} as {role}: {}", reply.text);
            assert!(reply.status < 500 || reply.status == 503, "{name} as {role}: {}", reply.text);
        }
    }
}

#[test]
fn viewer_can_change_nothing_but_their_own_sessions() {
    let is_own = |route: &&Route| route.path == "/1.0/session/{id}";
    for route in ROUTES.iter().filter(|route| route.method != http::Method::GET && !is_own(route)) {
        assert!(
            matches!(route.access, Access::Role(role) if role > Role::Viewer),
            "{} {}",
            route.method,
            route.path
        );
    }
}
