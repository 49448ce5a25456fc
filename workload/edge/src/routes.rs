//! Combines many warp routes into one that never rejects.

use std::convert::Infallible;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reject::{InvalidHeader, InvalidQuery, MethodNotAllowed, MissingCookie, MissingHeader, Rejection};

use crate::{Error, Response};

/// Tries the routes in order. If none matches, the response is an error in an envelope.
///
/// Each route is boxed, and so is every combination: warp's nested filter types would take minutes to compile.
pub fn routes(routes: Vec<BoxedFilter<(Response,)>>) -> BoxedFilter<(Response,)> {
    let nothing = warp::any().and_then(|| async { Err::<Response, _>(warp::reject::not_found()) }).boxed();
    let all = routes.into_iter().rev().fold(nothing, |rest, route| route.or(rest).unify().boxed());
    all.recover(|rejection| async move { Ok::<_, Infallible>(explain(&rejection).into_response()) })
        .unify()
        .boxed()
}

/// Turns a rejection by warp into the API's error. Handlers never reject, so the reason is always a filter.
fn explain(rejection: &Rejection) -> Error {
    if rejection.is_not_found() {
        return Error::NotFound;
    }
    // A route that matches except for a header or the query has a better explanation than one that does not match.
    if let Some(problem) = rejection.find::<MissingHeader>() {
        return Error::BadRequest(problem.to_string());
    }
    if let Some(problem) = rejection.find::<InvalidHeader>() {
        return Error::BadRequest(problem.to_string());
    }
    if let Some(problem) = rejection.find::<InvalidQuery>() {
        return Error::BadRequest(problem.to_string());
    }
    if let Some(problem) = rejection.find::<MissingCookie>() {
        return Error::BadRequest(problem.to_string());
    }
    if rejection.find::<MethodNotAllowed>().is_some() {
        return Error::MethodNotAllowed;
    }
    Error::internal(format!("an unexpected rejection: {rejection:?}"))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::response;

    fn some_routes() -> BoxedFilter<(Response,)> {
        routes(vec![
            warp::path!("a").and(warp::get()).map(|| response::success("a")).boxed(),
            warp::path!("b").and(warp::post()).map(|| response::success("b")).boxed(),
            warp::path!("c")
                .and(warp::get())
                .and(warp::header("x"))
                .map(|_: u8| response::success("c"))
                .boxed(),
            warp::path!("c").and(warp::delete()).map(|| response::success("c")).boxed(),
            warp::path!("d").and(warp::ext::get::<u8>()).map(|_| response::success("d")).boxed(),
        ])
    }

    async fn status(method: &str, path: &str) -> (u16, String) {
        let response = warp::test::request().method(method).path(path).reply(&some_routes()).await;
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn first_matching_route_is_used() {
        assert_eq!(status("GET", "/a").await.0, 200);
        assert_eq!(status("POST", "/b").await.0, 200);
    }

    #[tokio::test]
    async fn unmatched_requests_have_an_envelope() {
        let (code, body) = status("GET", "/nowhere").await;
        assert_eq!(code, 404);
        insta::assert_snapshot!(body, @r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":404,"error":"Not Found","metadata":null}"#);
        assert_eq!(status("POST", "/a").await.0, 405);
        assert_eq!(status("GET", "/c").await.0, 400);
        assert_eq!(status("GET", "/d").await.0, 500);
    }

    #[tokio::test]
    async fn without_routes_every_path_is_unknown() {
        let response = warp::test::request().reply(&routes(Vec::new())).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}
