//! `cluster-manager session …`.

use api::{Session, SessionQuery};

use crate::Failure;
use crate::arguments::{self, Format};
use crate::backend::Backend;
use crate::output::{self, note};

/// Characters of a browser's description in the table; all of it is in the JSON.
const MAX_BROWSER_CHARS: usize = 40;

/// Runs a subcommand of `session`.
pub(super) async fn run(
    backend: &Backend,
    format: Format,
    command: arguments::Session,
) -> Result<(), Failure> {
    match command {
        arguments::Session::List { all, limit } => list(backend, format, all, limit).await,
        arguments::Session::Remove { id } => {
            if backend.end_session(&id).await? {
                Ok(())
            } else {
                Err(Failure::NotFound(format!("there is no session with the id {id:?}")))
            }
        }
    }
}

async fn list(backend: &Backend, format: Format, all: bool, limit: usize) -> Result<(), Failure> {
    let (sessions, total) = fetch(backend, all, limit).await?;
    output::print(format, &sessions, |sessions| table(sessions))?;
    let left = total.saturating_sub(sessions.len() as u64);
    if left > 0 {
        note(&format!("({} more; show them with --limit)", output::count(left, "session")));
    }
    Ok(())
}

/// Fetches up to `limit` sessions, a page at a time. Returns the number of all, too.
async fn fetch(backend: &Backend, all: bool, limit: usize) -> Result<(Vec<Session>, u64), Failure> {
    let mut query = SessionQuery { all: all.then_some(true), ..SessionQuery::default() };
    let mut sessions = Vec::new();
    loop {
        let missing = u16::try_from(limit - sessions.len()).unwrap_or(u16::MAX);
        query.limit = Some(missing.min(SessionQuery::MAX_LIMIT));
        let page = backend.sessions(&query).await?;
        sessions.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() || sessions.len() >= limit {
            return Ok((sessions, page.total));
        }
    }
}

fn table(sessions: &[Session]) -> String {
    if sessions.is_empty() {
        return "No sessions. People who sign in with a browser have one.".to_owned();
    }
    let header = ["ID", "PERSON", "SIGNED IN", "LAST USED", "FROM", "BROWSER"];
    output::table(&header, sessions.iter().map(row))
}

fn row(session: &Session) -> Vec<String> {
    let person = &session.person;
    // People choose their names; only the id is reliable.
    let name = match person.name.as_str() {
        "" => person.id.clone(),
        name if name == person.id => name.to_owned(),
        name => format!("{name} ({})", person.id),
    };
    let browser = session.user_agent.as_deref().unwrap_or_default();
    let short: String = browser.chars().take(MAX_BROWSER_CHARS).collect();
    let browser = if short.len() < browser.len() { format!("{short}…") } else { short };
    vec![
        session.id.clone(),
        name,
        output::timestamp(session.created_at),
        output::timestamp(session.last_used_at),
        session.address.clone().unwrap_or_default(),
        browser,
    ]
}
