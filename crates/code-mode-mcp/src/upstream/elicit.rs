//! What a server asks a person in the middle of a call.

use std::future::Future;
use std::pin::Pin;

use rmcp::model::{ElicitRequestParams, ElicitResult};

/// Answers what a server asks a person while a call is in flight.
pub trait Elicit: Send + Sync {
    /// Shows the question and returns the person's answer. Dropped when the call is cancelled.
    fn elicit(
        &self,
        question: ElicitRequestParams,
    ) -> Pin<Box<dyn Future<Output = ElicitResult> + Send + '_>>;
}
