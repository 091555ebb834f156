//! The choice of the traces that begin here and are kept.

/// A share of all traces, 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler(pub(crate) f64);

impl Sampler {
    /// Returns `true` if the trace is kept. The choice is made as OpenTelemetry does it, so that every service decides
    /// alike: by the end of the trace's id.
    pub(crate) fn takes(self, trace: &[u8; 16]) -> bool {
        let end = u64::from_be_bytes([0, trace[9], trace[10], trace[11], trace[12], trace[13], trace[14], trace[15]]);
        #[allow(clippy::cast_precision_loss, reason = "56 bits against a share: the last bits make no difference")]
        let place = end as f64 / (1_u64 << 56) as f64;
        place < self.0
    }
}
