use super::{Ask, PageRequest, RequestBody};
use crate::clock::UtcTime;
use crate::schema::{AccountId, ApiVersion, StreamId};

/// Records a page: the API's maximum and default (F1).
const LIMIT: u32 = 100;

/// What all requests of one stream have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestTemplate {
    /// Version of the API.
    pub api: ApiVersion,
    /// Account to read.
    pub account_id: AccountId,
    /// App or stream to read (F2).
    pub stream_id: StreamId,
    /// Records a page to ask for; the server may give fewer (F11).
    pub limit: u32,
    /// Fields that the API leaves out unless they are asked for (F3).
    pub selected_fields: Vec<String>,
}

impl RequestTemplate {
    /// Everything that the stream has: full pages, all selectable fields, no filter.
    pub fn new(api: ApiVersion, account_id: AccountId, stream_id: StreamId) -> Self {
        let selected_fields = selected_fields(api).iter().map(|&field| field.to_owned()).collect();
        Self { api, account_id, stream_id, limit: LIMIT, selected_fields }
    }

    /// The same without `field`, which the server refused by name
    /// ([`RefusalReason::Field`](super::RefusalReason::Field)); `None` where it is not asked for.
    pub fn without_field(&self, field: &str) -> Option<Self> {
        let mut narrower = self.clone();
        narrower.selected_fields.retain(|selected| selected != field);
        (narrower.selected_fields.len() < self.selected_fields.len()).then_some(narrower)
    }

    /// The request for the page of `ask` at `offset`, in UTC (F16).
    pub fn request(&self, ask: &Ask, offset: u32) -> PageRequest {
        PageRequest {
            api: self.api,
            account_id: self.account_id.clone(),
            stream_id: Some(self.stream_id.clone()),
            offset: Some(offset),
            limit: Some(self.limit),
            body: RequestBody {
                start_date: Some(api_time(ask.from)),
                end_date: Some(api_time(ask.to)),
                time_zone_offset: 0,
                selected_fields: self.selected_fields.clone(),
                filters: ask.filters.clone(),
            },
        }
    }
}

/// All selectable fields known for a version (F3): what is not asked for is absent from every row.
pub fn selected_fields(api: ApiVersion) -> &'static [&'static str] {
    const ALL: [&str; 5] = ["skills", "customerinfo", "userleveltags", "sessionleveltags", "campaigninfo"];
    match api {
        ApiVersion::V1 => &ALL[..4],
        ApiVersion::V2 => &ALL,
    }
}

/// `yyyy-mm-dd HH:MM:SS` in UTC (F3).
fn api_time(second: UtcTime) -> String {
    second.to_string().replace('T', " ").replace('Z', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TimeRange;
    use crate::source::Window;

    fn template(api: ApiVersion) -> RequestTemplate {
        RequestTemplate::new(api, "acc".parse().unwrap(), "st-1".parse().unwrap())
    }

    #[test]
    fn a_request_asks_in_utc_for_every_selectable_field() {
        let range = TimeRange::new("2026-01-31".parse().unwrap(), "2026-02-01T01:02:03Z".parse().unwrap()).unwrap();
        let request = template(ApiVersion::V2).request(&Ask::of(Window::covering(range)), 3);
        let body = serde_json::to_value(&request.body).unwrap();
        let expected = serde_json::json!({
            "startDate": "2026-01-31 00:00:00",
            "endDate": "2026-02-01 01:02:03",
            "timeZoneOffset": 0,
            "selectedFields": ["skills", "customerinfo", "userleveltags", "sessionleveltags", "campaigninfo"],
        });
        assert_eq!(body, expected);
        assert_eq!((request.limit, request.offset), (Some(100), Some(3)));
    }

    #[test]
    fn a_refused_field_is_dropped_once() {
        let narrower = template(ApiVersion::V2).without_field("campaigninfo").unwrap();
        assert_eq!(narrower.selected_fields, template(ApiVersion::V1).selected_fields);
        assert_eq!(narrower.without_field("campaigninfo"), None);
    }
}
