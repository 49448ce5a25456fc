//! The page to show after sign-in: always a page of the UI, whatever a link asks for.

use percent_encoding::percent_decode_str;

/// The page to show by default.
pub(crate) const START: &str = "/ui/";
/// The page to show after sign-out.
pub(crate) const SIGNED_OUT: &str = "/ui/login/";

/// The longest accepted address of a page, in bytes.
const MAX_NEXT_BYTES: usize = 2048;

/// The requested page if it is a page of the UI, otherwise the start page.
pub(crate) fn sanitise(next: Option<&str>) -> &str {
    next.filter(|next| is_page_of_ui(next)).unwrap_or(START)
}

/// Browsers treat `\` as `/` and drop control characters, and a proxy may decode the path. So everything is refused that
/// could become another host or leave the folder of the UI. Names of clusters may contain encoded slashes and spaces.
fn is_page_of_ui(next: &str) -> bool {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_printable = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_under_ui = path == "/ui" || path.starts_with("/ui/");
    next.len() <= MAX_NEXT_BYTES
        && is_printable
        && is_under_ui
        && !path.contains("//")
        && path.split('/').all(is_clean_segment)
}

fn is_clean_segment(segment: &str) -> bool {
    percent_decode_str(segment).decode_utf8().is_ok_and(|text| {
        !text.starts_with('/')
            && !text.contains("//")
            && !text.contains('\\')
            && !text.chars().any(char::is_control)
            && !text.split('/').any(|part| matches!(part, "." | ".."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_ui_are_accepted() {
        for next in [
            "/ui",
            "/ui/",
            "/ui/clusters",
            "/ui/cluster/a%2Fb%20c",
            "/ui/clusters?search=a//b&x=%2F%2Fevil",
            "/ui/#top",
        ] {
            assert_eq!(sanitise(Some(next)), next);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for next in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%2f/evil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "https://evil.example/ui/",
            "javascript:alert(1)",
            "/ui//evil.example",
            "/ui/\\evil",
            "/ui/%5c%5cevil",
            "/ui/%2f%2fevil.example",
            "/ui/a/%2fevil.example",
            "/ui/../1.0/x",
            "/ui/%2e%2e/1.0",
            "/ui/a/..%2f..%2f1.0",
            "/uix",
            "/ui/\r\nSet-Cookie: a=b",
            "/ui/\t/evil",
            "/ui/%0d%0aX: y",
            "/ui/a/%0d%0aX",
            "/ui/%ff",
            " /ui/",
            "/1.0",
            "/oidc/logout",
            "/ui/é",
        ] {
            assert_eq!(sanitise(Some(next)), START, "{next:?}");
        }
        assert_eq!(sanitise(None), START);
        assert_eq!(sanitise(Some(&format!("/ui/{}", "a".repeat(MAX_NEXT_BYTES)))), START);
    }
}
