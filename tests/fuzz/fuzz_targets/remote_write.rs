//! Whatever comes back from the relay's spool as a batch, dividing it ends without a panic. Its halves hold all series
//! that were in it, in order, and those of a cluster are ended once.

#![no_main]
#![allow(dead_code, unreachable_pub, unused_imports, unfulfilled_lint_expectations)]

#[path = "../../../workload/relay/src/labels.rs"]
mod labels;
#[path = "../../../workload/relay/src/remote_write.rs"]
mod remote_write;
#[path = "../../../workload/relay/src/time.rs"]
mod time;

use labels::{JobLabel, Origin};
use libfuzzer_sys::fuzz_target;
use protocol::ClusterName;
use remote_write::{Batch, BatchBuilder, Marked, Suspects};
use time::UnixMillis;

fuzz_target!(|data: &[u8]| {
    check(data);
    // The same bytes as the request inside: few mutations of Snappy are Snappy again.
    check(&snap::raw::Encoder::new().compress_vec(data).expect("it is short"));
});

fn check(body: &[u8]) {
    let batch = Batch { body: body.to_vec().into(), samples: 1, newest: UnixMillis(0) };
    let request = batch.request();
    if let Some((first, second)) = batch.halves() {
        let both = [request_of(&first), request_of(&second)].concat();
        // What is no series ends it.
        assert!(request.expect("it had halves").starts_with(&both));
        let mut suspects = Suspects::default();
        suspects.add(&first);
        if let Some((others, alone)) = batch.without(&suspects, usize::MAX) {
            assert_eq!(others.samples as usize + alone.len(), (first.samples + second.samples) as usize);
        }
        suspects.remove(&batch);
        assert!(batch.without(&suspects, usize::MAX).is_none());
    }
    let origin = Origin::new(&ClusterName::from_stored("paris".to_owned()), "node-1", JobLabel::Name);
    let (mut builder, mut marked) = (BatchBuilder::default(), Marked::default());
    builder.push_ended(&batch, &origin, UnixMillis(1), &mut marked);
    let ended = builder.finish();
    builder.push_ended(&batch, &origin, UnixMillis(1), &mut marked);
    assert_eq!(builder.finish(), None, "a series was ended twice");
    if let Some(ended) = ended {
        builder.push_ended(&ended, &origin, UnixMillis(1), &mut Marked::default());
        assert_eq!(builder.finish(), Some(ended), "an end is no series of the same name");
    }
}

fn request_of(batch: &Batch) -> Vec<u8> {
    batch.request().expect("it was written here")
}
