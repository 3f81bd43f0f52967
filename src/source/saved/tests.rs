use std::fs::File;

use super::*;
use crate::source::{Ask, Evidence, EvidenceKind, Manifest, RequestTemplate, SavedWindow, Window};

fn page(body: &'static [u8]) -> Page {
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: "acc".parse().unwrap(),
        stream_id: Some("st-1".parse().unwrap()),
        offset: Some(3),
        limit: Some(100),
        body: RequestBody {
            start_date: Some("2026-01-31 00:00:00".into()),
            end_date: Some("2026-02-01 00:00:00".into()),
            time_zone_offset: 0,
            selected_fields: vec!["skills".into()],
            filters: serde_json::from_str(r#"{"isAutomation":false}"#).unwrap(),
        },
    };
    let fetched_at = "2026-03-01T12:00:00.25Z".parse().unwrap();
    Page { request, fetched_at, body: Bytes::from_static(body) }
}

fn bare() -> BareDefaults {
    BareDefaults { account_id: Some("acc".parse().unwrap()), time_zone_offset: -330, ..BareDefaults::default() }
}

fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// The error's text with the folder taken out.
fn failure(folder: &Path, path: &Path) -> String {
    let error = read(path, &bare()).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn a_saved_page_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    for body in
        [&b"{ \"data\" : [1.0, \"\\u00e9\"],\n \"x\":null }"[..], b"{\"data\":[\"\xff\xc3\"]}", b"\n{\"data\":[]}\n"]
    {
        let page = page(body);
        let path = write(folder.path(), &page).unwrap();
        let back = read(&path, &BareDefaults::default()).unwrap();
        assert_eq!((back.request, back.fetched_at), (page.request, page.fetched_at));
        assert_eq!(back.body, body.trim_ascii());
    }
}

#[test]
fn a_page_read_quickly_is_the_same_page() {
    let folder = tempfile::tempdir().unwrap();
    for body in [&b"{ \"data\" : [1.0],\n \"x\":null }"[..], b"{\"data\":[\"\xff\xc3\"]}", b"\n{\"data\":[]}\n"] {
        let path = write(folder.path(), &page(body)).unwrap();
        let (quick, whole) = (read_quickly(&path).unwrap(), read(&path, &BareDefaults::default()).unwrap());
        assert_eq!((quick.request, quick.fetched_at, quick.body), (whole.request, whole.fetched_at, whole.body));
    }
}

#[test]
fn what_is_no_saved_page_is_not_read_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &page(b"{\"data\":[]}")).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let others = [
        "",
        "}",
        r#"{"data":[{"body":{"a":1}}]}"#,
        r#"{"body":{"data":[]},"kore_lake_page":1}"#,
        &whole.replace(r#""kore_lake_page":1"#, r#""kore_lake_page":2"#),
        &whole.replace(r#""fetched_at""#, r#""fetched""#),
        &whole.replace(r#""request":{"api":"v2","#, r#""request":{"#),
        whole.trim_end().trim_end_matches('}'),
        &whole[..whole.len() / 2],
    ];
    for other in others {
        let path = put(folder.path(), "other.json", other);
        assert!(read_quickly(&path).is_none(), "{other}");
    }
    assert!(read_quickly(&folder.path().join("none.json")).is_none());
}

#[test]
fn the_envelope_is_the_documented_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &page(b"{\"data\":[]}")).unwrap();
    let expected = concat!(
        r#"{"kore_lake_page":1,"request":{"api":"v2","account_id":"acc","stream_id":"st-1","offset":3,"limit":100,"#,
        r#""body":{"startDate":"2026-01-31 00:00:00","endDate":"2026-02-01 00:00:00","timeZoneOffset":0,"#,
        r#""selectedFields":["skills"],"isAutomation":false}},"fetched_at":"2026-03-01T12:00:00.25Z","body":{"data":[]}}"#,
        "\n"
    );
    assert_eq!(fs::read_to_string(path).unwrap(), expected);
}

#[test]
fn a_page_never_takes_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [b"{\"data\":[1]}", b"{\"data\":[2]}", b"{\"data\":[3]}"].map(|body| write(folder.path(), &page(body)));
    let names = paths.map(|path| path.unwrap().file_name().unwrap().to_str().unwrap().to_owned());
    let stem = "20260131000000_20260201000000_0003_1772366400250000";
    assert_eq!(names, [format!("{stem}.json"), format!("{stem}_2.json"), format!("{stem}_3.json")]);
    assert_eq!(find(&[folder.path().to_owned()]).unwrap().len(), 3);
}

#[test]
fn a_leftover_of_a_broken_writer_blocks_only_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let first = write(folder.path(), &page(b"{\"data\":[]}")).unwrap();
    fs::rename(&first, first.with_extension("json.part")).unwrap();
    let second = write(folder.path(), &page(b"{\"data\":[]}")).unwrap();
    assert_ne!(first, second);
    assert_eq!(find(&[folder.path().to_owned()]).unwrap(), [second]);
}

#[cfg(unix)]
#[test]
fn saved_pages_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder.path().join("a/b"), &page(b"{\"data\":[]}")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_folder_gives_every_json_but_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in ["b.json", "a/c.json", "a/manifest.json", "manifest.json", "a/d.json.part", "e.txt"] {
        put(at, name, "");
    }
    let text = at.join("e.txt");
    let found = find(&[at.to_owned(), text.clone(), at.join("b.json")]).unwrap();
    assert_eq!(found, [at.join("a/c.json"), at.join("b.json"), text]);
    let missing = find(&[at.join("none")]).unwrap_err();
    assert_eq!(missing.to_string(), format!("no such file or folder: `{}`", at.join("none").display()));
}

#[test]
fn a_bare_answer_takes_the_defaults_and_the_files_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "x.json", "{\"data\":[]}");
    let time = UNIX_EPOCH + std::time::Duration::from_hours(500_000);
    File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    let page = read(&path, &bare()).unwrap();
    assert_eq!(page.fetched_at, UtcTime::from_seconds(1_800_000_000));
    assert_eq!((page.request.body.time_zone_offset, page.request.offset), (-330, None));
    let nameless = read(&path, &BareDefaults::default()).unwrap_err();
    assert!(matches!(nameless, SavedPageError::NoAccount { .. }));
}

#[test]
fn every_half_of_a_saved_page_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = enveloped(&page(r#"{"data":[{"a":"é"}]}"#.as_bytes()));
    for end in 0..whole.len() - 2 {
        let half = put(folder.path(), "half.json", &whole[..end]);
        assert!(read(&half, &bare()).is_err(), "cut at {end}");
    }
}

#[test]
fn what_is_no_page_is_named_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let page = "expected a saved page (`kore_lake_page`) or an answer with `data`";
    for (content, expected) in [
        ("", format!("`f.json`: {page}, found an empty file")),
        ("[]", format!("`f.json`: {page}, found no JSON object")),
        ("{}", format!("`f.json`: {page}, found a JSON object with neither")),
        (r#"{"data":[{"a""#, format!("`f.json`: {page}, found a file that is cut off")),
        (r#"{"data":[}"#, format!("`f.json`: {page}, found broken JSON")),
        (r#"{"kore_lake_page":2}"#, format!("`f.json`: {page}, found a saved page of version 2")),
        (r#"{"kore_lake_page":"1"}"#, format!("`f.json`: {page}, found JSON of another form")),
        (
            r#"{"kore_lake_page":1,"body":{"data":[]}}"#,
            "`f.json`: expected a whole saved page, found one without `request`, `fetched_at` or `body`".to_owned(),
        ),
    ] {
        let path = put(folder.path(), "f.json", content);
        assert_eq!(failure(folder.path(), &path), expected, "{content}");
    }
}

/// A run's template, and its manifest with one window.
fn of_one_window() -> (RequestTemplate, Manifest) {
    let range = crate::clock::TimeRange::new("2026-01-31".parse().unwrap(), "2026-02-01".parse().unwrap()).unwrap();
    let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
    let mut manifest = Manifest::new("run-1".parse().unwrap(), &template, Some(range));
    let evidence = Evidence {
        kind: EvidenceKind::ShortPage,
        pages: 1,
        requests: 1,
        records: 7,
        distinct_keys: 7,
        num_results: None,
        total_disagrees: false,
    };
    manifest.windows.push(SavedWindow { window: Window::covering(range), evidence, pages: vec!["a.json".into()] });
    (template, manifest)
}

#[test]
fn a_page_of_another_window_stream_or_filter_is_none_of_the_manifest() {
    let (template, manifest) = of_one_window();
    let window = &manifest.windows[0];
    let asked = template.request(&Ask::of(window.window), 3);
    assert!(manifest.asked(window, &asked));
    assert!(manifest.asked(window, &template.without_field("skills").unwrap().request(&Ask::of(window.window), 0)));
    let earlier = Window::of_seconds(window.window.from().seconds(), window.window.from().seconds() + 1);
    assert!(!manifest.asked(window, &template.request(&Ask::of(earlier), 3)));
    assert!(!manifest.asked(window, &PageRequest { stream_id: None, ..asked.clone() }));
    assert!(!manifest.asked(window, &PageRequest { offset: None, ..asked.clone() }));
    let filtered = [("isAutomation".to_owned(), false.into())].into_iter().collect();
    let body = RequestBody { filters: filtered, ..asked.body.clone() };
    assert!(!manifest.asked(window, &PageRequest { body, ..asked }));
}

#[test]
fn a_manifest_comes_back_and_a_newer_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Manifest::read(folder.path()).unwrap(), None);
    let (_, manifest) = of_one_window();
    manifest.write(folder.path()).unwrap();
    manifest.write(folder.path()).unwrap();
    assert_eq!(Manifest::read(folder.path()).unwrap(), Some(manifest));
    let path = folder.path().join("manifest.json");
    let newer = fs::read_to_string(&path).unwrap().replace("\"kore_lake_manifest\": 1", "\"kore_lake_manifest\": 2");
    fs::write(&path, newer).unwrap();
    let error = Manifest::read(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("expected a manifest of version 1, found version 2"), "{error}");
}
