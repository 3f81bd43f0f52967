//! What a fault makes of an answer.

use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::answer::{Answer, ApiRequest, Simulator, answered};
use super::ask::Route;
use super::faults::{Fault, Faults};
use super::inject::{Asked, Drawn};
use super::line::{Break, Breaking};
use super::refusal::Refusal;

impl Simulator {
    /// Answers one request as it comes over HTTP: with faults, and where the connection breaks.
    pub(super) fn answer_on_the_way(&self, request: ApiRequest) -> (Answer, Option<Break>) {
        let is_for_a_page = request.method() == Method::POST && Route::of(request.uri().path()).is_some();
        if self.injector().faults.is_empty() || !is_for_a_page {
            return (self.answer(request), None);
        }
        let asked = Asked::of(&request);
        let drawn = self.injector().draw(&asked);
        if let Some(answer) = instead(&drawn, &self.injector().faults) {
            self.count_request();
            return (answer, None);
        }
        let answer = self.answer(request);
        if answer.status() != StatusCode::OK {
            return (answer, None);
        }
        self.injector().answered(asked, answer.body());
        spoiled(drawn, &self.injector().faults, answer)
    }
}

/// The answer that comes in place of one.
fn instead(drawn: &Drawn, faults: &Faults) -> Option<Answer> {
    Some(match drawn.fault? {
        Fault::Throttled => throttled(None),
        Fault::ThrottledSeconds => throttled(Some(faults.retry_after.as_secs().to_string())),
        Fault::ThrottledDate => throttled(Some(http_date(SystemTime::now() + faults.retry_after))),
        Fault::Internal => {
            json(StatusCode::INTERNAL_SERVER_ERROR, r#"{"errors":[{"msg":"Internal error","code":500}]}"#)
        }
        Fault::BadGateway => html(StatusCode::BAD_GATEWAY),
        Fault::Busy => html(StatusCode::SERVICE_UNAVAILABLE),
        Fault::GatewayTimeout => html(StatusCode::GATEWAY_TIMEOUT),
        Fault::Html => html(StatusCode::OK),
        Fault::Empty => json(StatusCode::OK, ""),
        Fault::NoData => json(StatusCode::OK, r#"{"numResults":0,"status":"ok"}"#),
        Fault::Errors => json(StatusCode::OK, r#"{"errors":[{"msg":"Something went wrong","code":500}]}"#),
        Fault::ExpiredToken | Fault::ReusedJti => refusal(&Refusal::token()),
        Fault::PageTwice => answered(StatusCode::OK, drawn.again.clone()?.into()),
        _ => return None,
    })
}

/// What becomes of a page on its way, and where the connection breaks.
fn spoiled(mut drawn: Drawn, faults: &Faults, mut answer: Answer) -> (Answer, Option<Break>) {
    let len = answer.body().len();
    let at = drawn.dice.index(len);
    let broken = |body_bytes, how| Some(Break { body_bytes, how });
    let order = match drawn.fault {
        Some(Fault::CutShort) => broken(Some(at), Breaking::Close),
        Some(Fault::ResetBefore) => broken(None, Breaking::Reset),
        Some(Fault::ResetWithin) => broken(Some(at), Breaking::Reset),
        Some(Fault::ResetAfter) => broken(Some(len), Breaking::Reset),
        Some(Fault::Stall) => broken(None, Breaking::Silence(faults.stall)),
        Some(Fault::StallWithin) => broken(Some(at), Breaking::Silence(faults.stall)),
        _ => None,
    };
    match drawn.fault {
        Some(Fault::Cut) => answer.body_mut().truncate(at),
        Some(Fault::TotalAbove) => set_total(answer.body_mut(), |total| total * 2 + 7),
        Some(Fault::TotalBelow) => set_total(answer.body_mut(), |total| total / 2),
        _ => {}
    }
    (answer, order)
}

/// Writes another total where a page has its own: in front.
fn set_total(body: &mut Bytes, lie: impl Fn(u64) -> u64) {
    const MEMBER: &[u8] = b"{\"numResults\":";
    let digits = body[MEMBER.len()..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (total, rest) = body[MEMBER.len()..].split_at(digits);
    let total = str::from_utf8(total).ok().and_then(|total| total.parse().ok()).expect("a page begins with its total");
    *body = [MEMBER, lie(total).to_string().as_bytes(), rest].concat().into();
}

fn throttled(wait: Option<String>) -> Answer {
    let mut answer = refusal(&Refusal::too_many(0));
    answer.headers_mut().remove(RETRY_AFTER);
    if let Some(wait) = wait {
        let wait = HeaderValue::try_from(wait).expect("a number or a date is visible ASCII");
        answer.headers_mut().insert(RETRY_AFTER, wait);
    }
    answer
}

fn refusal(refusal: &Refusal) -> Answer {
    answered(refusal.status, refusal.body())
}

fn json(status: StatusCode, body: &str) -> Answer {
    answered(status, body.to_owned().into_bytes())
}

fn html(status: StatusCode) -> Answer {
    let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\r\n");
    let mut answer = answered(status, body.into_bytes());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    answer
}

fn http_date(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).expect("the present is a time of the years that dates have");
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).expect("the years after 0 have a date of HTTP")
}
