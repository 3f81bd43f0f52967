//! The requests of one window that are on their way, some before their turn.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::error::Error;
use crate::source::{Page, PageRequest, PageSource, SourceError};

/// What came of a request; none where it was not sent, since nobody needs it any more.
type Answer = Option<Result<Page, SourceError>>;

/// Sends requests from tasks of their own, so that answers are received and checked side by side. A request goes out once
/// one of the `lanes` is free, which all windows of a run share.
pub(super) struct Asked {
    source: Arc<dyn PageSource>,
    lanes: Arc<Semaphore>,
    over: CancellationToken,
    under_way: Vec<(PageRequest, AbortOnDropHandle<Answer>)>,
}

impl Asked {
    pub(super) fn new(source: Arc<dyn PageSource>, lanes: Arc<Semaphore>) -> Self {
        Self { source, lanes, over: CancellationToken::new(), under_way: Vec::new() }
    }

    /// Whether it is under way.
    pub(super) fn has(&self, request: &PageRequest) -> bool {
        self.position(request).is_some()
    }

    /// Sends `request`, or queues for a lane.
    pub(super) fn ask(&mut self, request: PageRequest) {
        let (source, lanes, over) = (Arc::clone(&self.source), Arc::clone(&self.lanes), self.over.clone());
        let asked = request.clone();
        let fetching = async move {
            let lane = tokio::select! {
                biased;
                () = over.cancelled() => return None,
                lane = lanes.acquire_owned() => lane.expect("lanes are never closed"),
            };
            let answer = source.fetch(&asked).await;
            drop(lane);
            Some(answer)
        };
        self.under_way.push((request, AbortOnDropHandle::new(tokio::spawn(fetching))));
    }

    /// The answer to `request`, which is sent now unless it is under way.
    pub(super) async fn answer(&mut self, request: &PageRequest) -> Result<Result<Page, SourceError>, Error> {
        if !self.has(request) {
            self.ask(request.clone());
        }
        let at = self.position(request).expect("it was asked for");
        let answer = joined(self.under_way.remove(at).1).await?;
        Ok(answer.expect("what is waited for is not over"))
    }

    /// The pages that were asked for in vain. What has not been sent yet never is.
    pub(super) async fn rest(self) -> Result<Vec<Page>, Error> {
        self.over.cancel();
        let mut pages = Vec::new();
        for (_, answer) in self.under_way {
            // An error of what nobody needs is none.
            pages.extend(joined(answer).await?.and_then(Result::ok));
        }
        Ok(pages)
    }

    fn position(&self, request: &PageRequest) -> Option<usize> {
        self.under_way.iter().position(|(under_way, _)| under_way == request)
    }
}

async fn joined(answer: AbortOnDropHandle<Answer>) -> Result<Answer, Error> {
    answer.await.map_err(|error| Error::Unexpected(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::clock::UtcTime;
    use crate::schema::ApiVersion;
    use crate::source::{Ask, RequestTemplate, Traffic, Window};

    /// Answers each request when it is let, and notes in which order they came.
    struct Gate {
        open: Semaphore,
        came: Mutex<Vec<u32>>,
    }

    #[async_trait::async_trait]
    impl PageSource for Gate {
        async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
            self.came.lock().unwrap().push(request.offset.unwrap());
            self.open.acquire().await.unwrap().forget();
            Ok(Page { request: request.clone(), fetched_at: UtcTime::now(), body: "{}".into() })
        }

        fn traffic(&self) -> Traffic {
            Traffic::default()
        }
    }

    fn request(offset: u32) -> PageRequest {
        let day = crate::clock::TimeRange::new("2026-03-02".parse().unwrap(), "2026-03-03".parse().unwrap());
        let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
        template.request(&Ask::of(Window::covering(day.unwrap())), offset)
    }

    #[tokio::test]
    async fn no_more_go_out_than_there_are_lanes_and_what_is_over_is_never_sent() {
        let gate = Arc::new(Gate { open: Semaphore::new(0), came: Mutex::default() });
        let mut asked = Asked::new(gate.clone(), Arc::new(Semaphore::new(2)));
        (0..6).for_each(|offset| asked.ask(request(offset)));
        while gate.came.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        gate.open.add_permits(1);
        let first = asked.answer(&request(0)).await.unwrap().unwrap();
        assert_eq!(first.request.offset, Some(0));
        while gate.came.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
        gate.open.add_permits(2);
        let in_vain: Vec<_> = asked.rest().await.unwrap().iter().map(|page| page.request.offset.unwrap()).collect();
        assert_eq!((in_vain, &gate.came.lock().unwrap()[..]), (vec![1, 2], &[0, 1, 2][..]));
    }

    #[tokio::test]
    async fn a_page_that_is_asked_for_again_is_sent_again() {
        let gate = Arc::new(Gate { open: Semaphore::new(10), came: Mutex::default() });
        let mut asked = Asked::new(gate.clone(), Arc::new(Semaphore::new(1)));
        for _ in 0..2 {
            asked.answer(&request(3)).await.unwrap().unwrap();
        }
        assert_eq!(gate.came.lock().unwrap()[..], [3, 3]);
    }
}
