//! The description as a page: plain HTML without scripts.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::openapi::OpenApi;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color-scheme:light dark}\
    h2{margin-top:2.5rem}h3{margin-top:2rem;overflow-wrap:anywhere}code{font-size:.95em}\
    table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}td,th{text-align:left;vertical-align:top;\
    padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8885}.method{font-weight:700}";

/// The whole page.
pub(super) fn render(document: &OpenApi) -> String {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Cluster Manager API</title><style>{STYLE}</style><h1>Cluster Manager API</h1>\
         <p>Programs can read it as OpenAPI: <a href=\"/1.0/openapi.json\"><code>/1.0/openapi.json</code></a>. Every \
         response is an envelope. The responses below are its <code>metadata</code>."
    );
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        // Writing to a String cannot fail.
        let _ = write!(page, "<h2>{}</h2><p>{}.", escape(name), escape(text(&tag["description"])));
        for (path, method, operation) in operations(&document) {
            if list(&operation["tags"]).iter().any(|tagged| tagged == name) {
                write_operation(&mut page, path, method, operation);
            }
        }
    }
    page.push_str("<h2>Types</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        if !name.starts_with("Envelope_") {
            write_schema(&mut page, name, schema);
        }
    }
    page
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    entries(&document["paths"])
        .flat_map(|(path, item)| entries(item).map(move |(method, operation)| (path, method, operation)))
}

fn write_operation(page: &mut String, path: &str, method: &str, operation: &Value) {
    let method = method.to_uppercase();
    let _ = write!(page, "<h3><span class=method>{method}</span> <code>{}</code></h3>", escape(path));
    for key in ["summary", "description"] {
        let words = text(&operation[key]);
        if !words.is_empty() {
            let _ = write!(page, "<p>{}", escape(words));
        }
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let _ = write!(page, "<p>Body: {}", type_of(body));
    }
    let parameters = list(&operation["parameters"]);
    if !parameters.is_empty() {
        page.push_str("<table><tr><th>Parameter<th>In<th>Type<th>Meaning");
        for parameter in parameters {
            let (name, place) = (escape(text(&parameter["name"])), escape(text(&parameter["in"])));
            let (kind, meaning) = (type_of(&parameter["schema"]), escape(text(&parameter["description"])));
            let _ = write!(page, "<tr><td><code>{name}</code><td>{place}<td>{kind}<td>{meaning}");
        }
        page.push_str("</table>");
    }
    page.push_str("<table><tr><th>Status<th>Response<th>Meaning");
    for (status, response) in entries(&operation["responses"]) {
        let kind = response["content"].as_object().and_then(|content| content.values().next());
        let kind = kind.map_or_else(String::new, |content| type_of(&content["schema"]));
        let _ = write!(page, "<tr><td>{status}<td>{kind}<td>{}", escape(text(&response["description"])));
    }
    page.push_str("</table>");
}

fn write_schema(page: &mut String, name: &str, schema: &Value) {
    let (id, words) = (escape(name), escape(text(&schema["description"])));
    let _ = write!(page, "<h3 id=\"{id}\"><code>{id}</code></h3><p>{words}");
    let properties: Vec<_> = entries(&schema["properties"]).collect();
    if properties.is_empty() {
        let _ = write!(page, "<p>{}", type_of(schema));
        return;
    }
    page.push_str("<table><tr><th>Field<th>Type<th>Meaning");
    for (field, property) in properties {
        let optional =
            if list(&schema["required"]).iter().any(|name| name == field) { "" } else { ", optional" };
        let (field, kind, words) = (escape(field), type_of(property), escape(text(&property["description"])));
        let _ = write!(page, "<tr><td><code>{field}</code><td>{kind}{optional}<td>{words}");
    }
    page.push_str("</table>");
}

/// A schema in a few words, with a link if it is a named type.
fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        // Of an envelope only the metadata is of interest.
        let name = name.strip_prefix("Envelope_").unwrap_or(name);
        if let Some(of) = name.strip_prefix("Vec_") {
            return format!("list of {}", link(of));
        }
        if let Some(of) = name.strip_prefix("BTreeMap_String_") {
            return format!("object of {}", link(of));
        }
        return link(name);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        let options: Vec<_> =
            list(&schema[key]).iter().filter(|option| option["type"] != "null").map(type_of).collect();
        if !options.is_empty() {
            return options.join(" or ");
        }
    }
    let values: Vec<_> =
        list(&schema["enum"]).iter().map(|value| format!("<code>{}</code>", escape(text(value)))).collect();
    if !values.is_empty() {
        return values.join(", ");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => {
            kinds.iter().map(text).filter(|kind| *kind != "null").collect::<Vec<_>>().join(" or ")
        }
        kind => text(kind).to_owned(),
    };
    match kind.as_str() {
        "array" => format!("list of {}", type_of(&schema["items"])),
        _ if schema["format"] == "date-time" => "time (RFC 3339)".to_owned(),
        _ => escape(&kind),
    }
}

fn link(name: &str) -> String {
    let name = escape(name);
    format!("<a href=\"#{name}\">{name}</a>")
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
