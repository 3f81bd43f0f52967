use super::answers::{DashboardRequest, answers};
use crate::query::{QueryError, Session};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const CHARTS: &str = include_str!("vendor/echarts.min.js");
/// The page's own scripts; each may use those before it.
const SCRIPTS: [&str; 11] = [
    include_str!("words.js"),
    include_str!("answers.js"),
    include_str!("elements.js"),
    include_str!("drawing.js"),
    include_str!("charts.js"),
    include_str!("sections.js"),
    include_str!("contacts.js"),
    include_str!("queues.js"),
    include_str!("people.js"),
    include_str!("lake.js"),
    include_str!("page.js"),
];

/// The page: the reports on it are run, one after the other, and their answers stand in it.
///
/// # Errors
/// [`QueryError::UnknownPageParam`] where no report on the page takes a parameter; else as [`Session::report`].
pub async fn page(session: &Session, request: &DashboardRequest) -> Result<String, QueryError> {
    let data = answers(session, request).await?.to_string();
    let scripts = SCRIPTS.join("\n");
    Ok(filled(|place| match place {
        "title" => escaped(&format!("kore-lake: {}", request.lake)),
        "css" => STYLE.to_owned(),
        "charts" => CHARTS.to_owned(),
        "script" => scripts.clone(),
        "data" => within_script(&data),
        other => unreachable!("page.html has a place `{other}`"),
    }))
}

/// The page with its places `{{name}}` filled; what fills one is not looked through for others.
fn filled(part: impl Fn(&str) -> String) -> String {
    let mut places = PAGE.split("{{");
    let mut out = places.next().unwrap_or_default().to_owned();
    for place in places {
        let (name, rest) = place.split_once("}}").expect("a place of page.html ends");
        out.push_str(&part(name));
        out.push_str(rest);
    }
    out
}

/// Text between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// JSON as the content of a `script`: no text in it ends the element or begins a comment.
fn within_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_filled_once_and_what_fills_it_is_left_alone() {
        let page = filled(|place| format!("[{place} {{{{title}}}}]"));
        for place in ["title", "css", "charts", "script", "data"] {
            assert_eq!(page.matches(&format!("[{place} {{{{title}}}}]")).count(), 1, "{place}");
        }
    }

    #[test]
    fn text_of_the_data_ends_neither_the_script_nor_the_title() {
        assert_eq!(within_script(r#"["</script><!--&"]"#), r#"["\u003c/script\u003e\u003c!--\u0026"]"#);
        assert_eq!(escaped("<b>&amp;"), "&lt;b&gt;&amp;amp;");
    }

    #[test]
    fn no_script_of_the_page_ends_its_element() {
        for script in SCRIPTS.into_iter().chain([CHARTS]) {
            assert!(!script.to_lowercase().contains("</script"));
        }
    }
}
