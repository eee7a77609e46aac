//! How long a cell takes that does next to nothing.

use std::time::{Duration, Instant};

use code_mode::{ExecuteRequest, FunctionHost, Session};
use serde_json::{Value, json};

use crate::mode::Mode;

const SAMPLES: usize = 500;

#[derive(Debug, Clone, Copy, Default)]
pub struct Latency {
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Latency {
    /// Of cells one after the other, with nothing beside them.
    pub async fn measure(mode: &Mode) -> Self {
        let session = mode.of(Session::builder()).build(FunctionHost::new());
        let mut times = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            times.push(one(&session).await);
            // So that an isolate stands by for the next one.
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        session.shutdown().await;
        Self::of(times)
    }

    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |share: f64| {
            let place = (times.len() as f64 * share) as usize;
            times.get(place.min(times.len().saturating_sub(1))).copied()
        };
        Self {
            p50: at(0.5).unwrap_or_default(),
            p99: at(0.99).unwrap_or_default(),
            max: at(1.0).unwrap_or_default(),
        }
    }

    pub fn to_json(self) -> Value {
        json!({
            "p50_us": self.p50.as_micros() as u64,
            "p99_us": self.p99.as_micros() as u64,
            "max_us": self.max.as_micros() as u64,
        })
    }
}

/// How long one such cell takes.
pub async fn one(session: &Session) -> Duration {
    let start = Instant::now();
    let response = session.execute(ExecuteRequest::new("text(6 * 7)")).await;
    let took = start.elapsed();
    assert_eq!(response.expect("it starts").text(), "42");
    took
}
