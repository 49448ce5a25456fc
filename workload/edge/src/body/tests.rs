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

/// Admits up to a number of bytes, and keeps the sizes of all chunks.
struct UpTo(usize, Vec<usize>);

impl Admission for UpTo {
    async fn admit(&mut self, bytes: usize) -> Result<(), Error> {
        self.1.push(bytes);
        if self.1.iter().sum::<usize>() <= self.0 { Ok(()) } else { Err(Error::Forbidden) }
    }
}

#[tokio::test]
async fn each_chunk_is_admitted_before_it_is_kept() {
    let mut admission = UpTo(6, Vec::new());
    let body = RequestBody::new(None, Some(6), None, chunks(&["ab", "", "cdef"]));
    assert_eq!(body.read_admitted(6, &mut admission).await.unwrap(), "abcdef");
    assert_eq!(admission.1, [2, 4]);
}

#[tokio::test]
async fn reading_ends_when_a_chunk_is_not_admitted_or_exceeds_the_limit() {
    let body = RequestBody::new(None, None, None, chunks(&["ab", "cd"]));
    assert!(matches!(body.read_admitted(6, &mut UpTo(3, Vec::new())).await, Err(Error::Forbidden)));
    for declared in [None, Some(7)] {
        let body = RequestBody::new(None, declared, None, chunks(&["abcd", "efg"]));
        assert!(matches!(body.read_admitted(6, &mut UpTo(9, Vec::new())).await, Err(Error::TooLarge)));
    }
}
