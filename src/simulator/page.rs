//! One page: the rows that pass, in order, cut out and written down.

use std::iter;
use std::ops::Range;

use super::ask::{Ask, Filter};
use super::moment::{Held, Moment};
use super::paging::{PageAsked, arrange};
use super::plot::Destination;
use super::readings::{FilterCodes, NumResults};
use super::served::Key;

/// The body of an answer, and where in it which row stands.
pub(super) struct Page {
    pub(super) body: Vec<u8>,
    rows: Vec<(Held, Range<usize>)>,
}

impl Page {
    /// Key and JSON of each row.
    pub(super) fn records<'a>(&'a self, moment: &'a Moment<'_>) -> impl Iterator<Item = (Key, &'a str)> {
        let text =
            |range: &Range<usize>| str::from_utf8(&self.body[range.clone()]).expect("records are written from text");
        self.rows.iter().map(move |(held, range)| (moment.key(*held), text(range)))
    }
}

impl Moment<'_> {
    /// The page that is asked for; `request` is the number of the request.
    pub(super) fn page(&self, stream_id: &str, page: PageAsked, ask: &Ask, request: u64) -> Page {
        let mut rows = self.within(stream_id, ask.window);
        if !ask.filter.is_empty() {
            rows.retain(|held| self.passes(*held, &ask.filter));
        }
        let all = rows.len();
        let lists = arrange(rows, self.behaviour.order, self.generator.settings().seed, request);
        let spans = page.spans([lists[0].len(), lists[1].len()], self.behaviour);
        let shown: Vec<Held> = lists.iter().zip(spans).flat_map(|(list, span)| &list[span]).copied().collect();
        let results = match self.behaviour.num_results {
            NumResults::Total => all,
            NumResults::PageLength => shown.len(),
        };
        self.body(results, &shown, ask)
    }

    fn body(&self, results: usize, shown: &[Held], ask: &Ask) -> Page {
        let mut body = Vec::with_capacity(64 + shown.len() * 3_072);
        body.extend_from_slice(format!("{{\"numResults\":{results},\"data\":[").as_bytes());
        let mut rows = Vec::with_capacity(shown.len());
        for held in shown {
            if !rows.is_empty() {
                body.push(b',');
            }
            let start = body.len();
            self.write(&mut body, *held, &ask.view);
            rows.push((*held, start..body.len()));
        }
        body.extend_from_slice(b"]}");
        Page { body, rows }
    }

    fn passes(&self, held: Held, filter: &Filter) -> bool {
        let kind_passes = filter.bot_only.is_none_or(|wanted| wanted == held.bot_only);
        kind_passes && (filter.is_about_kind_only() || self.story_passes(held, filter))
    }

    fn story_passes(&self, held: Held, filter: &Filter) -> bool {
        let story = self.generator.story(held.row, held.form);
        let cast = self.generator.cast();
        let queues = story.destinations.iter().filter_map(|destination| match destination {
            Destination::Queue(entry) => Some(&cast.queues[entry.queue].id),
            Destination::Agent(_) => None,
        });
        let channel = match self.behaviour.codes {
            FilterCodes::Differ => story.channel.code().to_owned(),
            FilterCodes::Same => story.channel_text().to_ascii_lowercase(),
        };
        allows(&filter.channels, [channel])
            && allows(&filter.queues, queues)
            && allows(&filter.bots, iter::once(self.generator.stream_of(held.row)).chain(story.automation_bot(cast)))
            && filter.direction.is_none_or(|direction| direction == story.direction())
    }
}

/// An empty filter allows all; another one of the values.
fn allows(filter: &[String], values: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
    filter.is_empty() || values.into_iter().any(|value| filter.iter().any(|wanted| wanted == value.as_ref()))
}
