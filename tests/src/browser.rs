//! As much of a browser as sign-in needs: it keeps cookies by their rules, follows redirects, and says with each
//! request where it comes from.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use http::StatusCode;
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use serde_json::Value;

/// The number of redirects in a row that is an error.
const MAX_REDIRECTS: usize = 20;

/// A browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    /// By host, path and name.
    cookies: BTreeMap<(String, String, String), Cookie>,
    hub: Url,
    /// The `Accept` header of every request.
    pub accept: String,
    more: Vec<(String, String)>,
    form: Option<String>,
}

/// A cookie as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// What it holds.
    pub value: String,
    /// The whole header that set it.
    pub header: String,
}

/// The response after all redirects.
#[derive(Debug)]
pub struct Page {
    /// The address of the page.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: String,
    /// Every address on the way to this page.
    pub way: Vec<Url>,
}

impl Browser {
    /// For the hub at this address, under the name `localhost`.
    pub fn new(hub: SocketAddr) -> Self {
        Self::calling_from(None, hub)
    }

    /// A browser that calls from this address.
    pub fn calling_from(source: impl Into<Option<IpAddr>>, hub: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .local_address(source)
            .redirect(Policy::none())
            .no_proxy()
            // Each request is a connection of its own: a load balancer sends each where it likes.
            .pool_max_idle_per_host(0)
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        let hub = Url::parse(&format!("https://localhost:{}", hub.port())).unwrap();
        Self {
            http,
            cookies: BTreeMap::new(),
            hub,
            accept: "text/html,*/*;q=0.8".to_owned(),
            more: Vec::new(),
            form: None,
        }
    }

    /// The address of a path of the hub.
    pub fn hub(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.hub.as_str().trim_end_matches('/'))).unwrap()
    }

    /// Uses another unit of the same hub from now on.
    pub fn go_to_unit(&mut self, unit: SocketAddr) {
        self.hub.set_port(Some(unit.port())).unwrap();
    }

    /// The cookie of the hub under this name.
    pub fn cookie(&self, name: &str) -> Option<&Cookie> {
        self.cookies.get(&ours(name))
    }

    /// The names of the hub's cookies.
    pub fn cookie_names(&self) -> Vec<&str> {
        let ours = self.cookies.keys().filter(|(host, ..)| host == "localhost");
        ours.map(|(.., name)| name.as_str()).collect()
    }

    /// Sets a cookie of the hub by hand, as only the browser's owner can.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        let cookie = Cookie { value: value.to_owned(), header: format!("{name}={value}; SameSite=Lax") };
        self.cookies.insert(ours(name), cookie);
    }

    /// Signs in as this person at the identity provider, and goes on to the page `next`.
    pub async fn sign_in(&mut self, person: &str, next: &str) -> Page {
        let page = self.ask_to_sign_in(next).await;
        self.choose(&page, person).await
    }

    /// Starts to sign in. Returns the page where the provider asks for the person.
    pub async fn ask_to_sign_in(&mut self, next: &str) -> Page {
        let mut login = self.hub("/oidc/login");
        login.query_pairs_mut().append_pair("next", next);
        // As our own page links there.
        let page = self.open(login, Some(&self.hub("/ui/"))).await;
        assert!(page.url.path().starts_with("/interaction/"), "no sign-in page: {page:?}");
        page
    }

    /// Chooses a person on that page, and follows where that leads.
    pub async fn choose(&mut self, page: &Page, person: &str) -> Page {
        let mut there = page.url.clone();
        there.set_query(Some(&format!("person={person}")));
        self.open(there, Some(&page.url)).await
    }

    /// Sends the form of a page, and follows where that leads.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (_, rest) = page.body.split_once("action=\"").unwrap_or_else(|| panic!("no form: {page:?}"));
        let action = rest.split('"').next().unwrap_or_default().replace("&amp;", "&");
        let mut form = Url::parse("http://localhost/").unwrap();
        form.query_pairs_mut().extend_pairs(fields);
        self.form = form.query().map(str::to_owned);
        let sent = self.request(Method::POST, page.url.join(&action).unwrap(), false, false).await;
        match sent.location() {
            Some(next) if sent.status.is_redirection() => self.open(next, Some(&sent.url)).await,
            _ => sent,
        }
    }

    /// Opens an address that was typed, or came in a mail.
    pub async fn visit(&mut self, path: &str) -> Page {
        self.open(self.hub(path), None).await
    }

    /// Opens a page and follows redirects. `from`: the page with the link.
    pub async fn open(&mut self, url: Url, from: Option<&Url>) -> Page {
        let mut way = Vec::new();
        let (mut url, mut is_foreign) = (url, false);
        loop {
            is_foreign |= from.into_iter().chain(&way).any(|before: &Url| before.host() != url.host());
            let page =
                self.request(Method::GET, url.clone(), from.is_none() && way.is_empty(), is_foreign).await;
            way.push(url.clone());
            assert!(way.len() < MAX_REDIRECTS, "it goes round in circles: {way:?}");
            match page.location() {
                Some(next) if page.status.is_redirection() => url = next,
                _ => return Page { way, ..page },
            }
        }
    }

    /// One request to the hub without following redirects, as if typed.
    pub async fn once(&mut self, path: &str) -> Page {
        self.request(Method::GET, self.hub(path), true, false).await
    }

    /// A request from a page of the hub to its API.
    pub async fn fetch(&mut self, path: &str) -> Page {
        self.request(Method::GET, self.hub(path), false, false).await
    }

    /// A request from a page of the hub to its API, which removes something.
    pub async fn delete(&mut self, path: &str) -> Page {
        self.request(Method::DELETE, self.hub(path), false, false).await
    }

    /// A response from the hub's API whose body may go on for long.
    pub async fn stream(&self, path: &str) -> reqwest::Response {
        let ours = self.cookies.iter().filter(|((host, ..), _)| host == "localhost");
        let line: Vec<_> = ours.map(|((.., name), cookie)| format!("{name}={}", cookie.value)).collect();
        let request = self.http.get(self.hub(path)).header("sec-fetch-site", "same-origin");
        request.header("cookie", line.join("; ")).send().await.unwrap()
    }

    /// Who is signed in, or the status of the response where nobody is.
    pub async fn who_am_i(&mut self) -> Result<Value, StatusCode> {
        let page = self.fetch("/1.0").await;
        match page.status {
            StatusCode::OK => Ok(page.json()["metadata"].clone()),
            status => Err(status),
        }
    }

    /// The same with more headers.
    pub async fn fetch_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Page {
        self.more = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let page = self.fetch(path).await;
        self.more.clear();
        page
    }

    async fn request(&mut self, method: Method, url: Url, is_typed: bool, is_foreign: bool) -> Page {
        let mut request = self.http.request(method, url.clone()).header("accept", &self.accept);
        if url.host_str() == self.hub.host_str() {
            let site = if is_typed {
                "none"
            } else if is_foreign {
                "cross-site"
            } else {
                "same-origin"
            };
            request = request.header("sec-fetch-site", site);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let sent = self.cookies.iter().filter(|((of, path, name), cookie)| {
            let is_strict = cookie.header.contains("SameSite=Strict");
            let may_go = url.scheme() == "https" || !name.starts_with("__Host-");
            *of == host && may_go && url.path().starts_with(path) && !(is_strict && is_foreign)
        });
        let line: Vec<_> = sent.map(|((.., name), cookie)| format!("{name}={}", cookie.value)).collect();
        if !line.is_empty() {
            request = request.header("cookie", line.join("; "));
        }
        if let Some(form) = self.form.take() {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        }
        for (name, value) in &self.more {
            request = request.header(name, value);
        }
        let mut answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        for header in headers.get_all("set-cookie") {
            self.keep(&host, header.to_str().unwrap());
        }
        let body = answer.text().await.unwrap();
        Page { way: vec![url.clone()], url, status, headers, body }
    }

    fn keep(&mut self, host: &str, header: &str) {
        let (name, rest) = header.split_once('=').expect("a cookie has a name");
        let value = rest.split(';').next().unwrap_or_default().trim();
        if name.starts_with("__Host-") {
            let keeps = ["; Path=/;", "; Secure", "; HttpOnly"].iter().all(|part| header.contains(part));
            assert!(keeps && !header.contains("Domain"), "a browser would not keep {header}");
        }
        let path =
            header.split("; ").find_map(|part| part.strip_prefix("path=").or(part.strip_prefix("Path=")));
        let key = (host.to_owned(), path.unwrap_or("/").to_owned(), name.to_owned());
        let is_over = header.contains("Max-Age=0") || header.contains("1970");
        match is_over {
            true => self.cookies.remove(&key),
            false => self.cookies.insert(key, Cookie { value: value.to_owned(), header: header.to_owned() }),
        };
    }
}

fn ours(name: &str) -> (String, String, String) {
    ("localhost".to_owned(), "/".to_owned(), name.to_owned())
}

impl Page {
    /// The address that it redirects to.
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get("location")?.to_str().ok()?;
        self.url.join(location).ok()
    }

    /// A header as text; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
