//! Limits and copies. Tests that need a real connection are in `tests/it`.

use futures_util::stream;

use super::*;

fn chunks(chunks: &[&'static str]) -> impl Stream<Item = Result<Bytes, warp::Error>> + use<> {
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
    stream::iter(chunks)
}

#[tokio::test]
async fn one_chunk_is_not_copied() {
    let whole = Bytes::from_static(b"whole");
    let start = whole.as_ptr();
    for declared in [None, Some(5)] {
        let read = read(stream::iter([Ok(whole.clone())]), declared, 5).await.unwrap();
        assert_eq!(read.as_ptr(), start);
    }
}

#[tokio::test]
async fn chunks_are_joined_in_order() {
    for declared in [None, Some(6)] {
        assert_eq!(read(chunks(&["ab", "", "cd", "ef"]), declared, 6).await.unwrap(), "abcdef");
    }
    assert_eq!(read(chunks(&[]), None, 6).await.unwrap(), "");
    assert_eq!(read(chunks(&["", ""]), Some(0), 6).await.unwrap(), "");
}

#[tokio::test]
async fn declared_length_above_the_limit_is_refused_before_reading() {
    let unread = stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, _>>> { panic!("it was read") });
    assert!(matches!(read(unread, Some(7), 6).await, Err(Error::TooLarge)));
    assert!(matches!(read(chunks(&[]), Some(u64::MAX), usize::MAX - 1).await, Err(Error::TooLarge)));
}

#[tokio::test]
async fn chunk_beyond_the_limit_is_refused() {
    for body in [&["abcdefg"][..], &["abcdef", "g"], &["ab", "cd", "ef", "g"]] {
        assert!(matches!(read(chunks(body), None, 6).await, Err(Error::TooLarge)), "{body:?}");
    }
}
