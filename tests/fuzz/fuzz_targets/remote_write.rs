//! Splitting a batch never panics, whatever comes from the relay's spool. The halves contain all series of the batch, in
//! order.

#![no_main]
#![allow(dead_code, unreachable_pub, unused_imports, unfulfilled_lint_expectations)]

// The source files of `relay` themselves: depending on the crate would build an HTTP client and a TLS library.
#[path = "../../../workload/relay/src"]
mod relay {
    pub(crate) mod labels;
    pub(crate) mod remote_write;
    pub(crate) mod time;
}

use libfuzzer_sys::fuzz_target;
use relay::{labels, remote_write, time};
use remote_write::{Batch, Suspects};
use time::UnixMillis;

fuzz_target!(|data: &[u8]| {
    check(data);
    // The same bytes as the request inside a batch: few mutations of compressed data can be decompressed.
    check(&snap::raw::Encoder::new().compress_vec(data).expect("short data"));
});

fn check(body: &[u8]) {
    let batch = Batch { body: body.to_vec().into(), samples: 1, newest: UnixMillis(0) };
    let request = batch.request();
    if let Some((first, second)) = batch.halves() {
        let both = [request_of(&first), request_of(&second)].concat();
        // Bytes after the last series are ignored.
        assert!(request.expect("a batch with halves").starts_with(&both));
        let mut suspects = Suspects::default();
        suspects.add(&first);
        if let Some((others, alone)) = batch.without(&suspects, usize::MAX) {
            assert_eq!(others.samples as usize + alone.len(), (first.samples + second.samples) as usize);
        }
        suspects.remove(&batch);
        assert!(batch.without(&suspects, usize::MAX).is_none());
    }
}

fn request_of(batch: &Batch) -> Vec<u8> {
    batch.request().expect("a batch that was written here")
}
