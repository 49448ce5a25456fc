//! Decodes remote write 1.0 with an independent library.

#[derive(Clone, PartialEq, prost::Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// A series: its labels in order, and its samples as bits and timestamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) samples: Vec<(u64, i64)>,
}

/// Decodes a request's body. Panics if a sink would refuse it.
pub(crate) fn decode(body: &[u8]) -> Vec<Series> {
    let request = snap::raw::Decoder::new().decompress_vec(body).expect("Snappy");
    let request = <WriteRequest as prost::Message>::decode(request.as_slice()).expect("a write request");
    let series = request.timeseries.into_iter().map(|series| Series {
        labels: series.labels.into_iter().map(|label| (label.name, label.value)).collect(),
        samples: series.samples.iter().map(|sample| (sample.value.to_bits(), sample.timestamp)).collect(),
    });
    series
        .inspect(|series| {
            assert!(series.labels.is_sorted_by(|a, b| a.0 < b.0), "labels out of order: {:?}", series.labels);
        })
        .collect()
}
