use std::fmt;
use std::path::{Path as FsPath, PathBuf};
use std::str::FromStr;

use object_store::path::Path;
use url::Url;

use super::LakeError;

/// Where a lake lies: a folder, written as its absolute path, or below a prefix of a bucket, written `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeUrl {
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: Path },
}

impl LakeUrl {
    pub(super) fn of_folder(path: &FsPath) -> Result<Self, LakeError> {
        let found = || LakeError::Url { found: path.display().to_string() };
        folder(path.to_owned()).map(|place| Self { place }).ok_or_else(found)
    }

    /// The lake's folder; none where it lies in a bucket.
    pub fn folder(&self) -> Option<&FsPath> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            Place::Bucket { .. } => None,
        }
    }

    /// The lake's bucket and its prefix there, which may be empty; none where it lies in a folder.
    pub fn bucket(&self) -> Option<(&str, &Path)> {
        match &self.place {
            Place::Folder(_) => None,
            Place::Bucket { bucket, prefix } => Some((bucket, prefix)),
        }
    }
}

impl FromStr for LakeUrl {
    type Err = LakeError;

    /// Reads `./lake`, an absolute path, `file:///…`, or `s3://bucket/prefix`.
    fn from_str(text: &str) -> Result<Self, LakeError> {
        let place = match text.split_once("://") {
            None if text.is_empty() => None,
            None => folder(PathBuf::from(text)),
            Some(("file", _)) => Url::parse(text).ok().and_then(|url| url.to_file_path().ok()).and_then(folder),
            Some(("s3", rest)) => bucket(rest),
            Some(_) => None,
        };
        place.map(|place| Self { place }).ok_or_else(|| LakeError::Url { found: harmless(text) })
    }
}

fn folder(path: PathBuf) -> Option<Place> {
    std::path::absolute(path).ok().map(Place::Folder)
}

fn bucket(rest: &str) -> Option<Place> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if bucket.is_empty() || !bucket.bytes().all(is_name) || prefix.starts_with('/') || prefix.contains(['?', '#']) {
        return None;
    }
    let prefix = Path::parse(prefix).ok()?;
    Some(Place::Bucket { bucket: bucket.to_owned(), prefix })
}

/// An address without what may be a password or a signature in it: neither belongs there.
pub(super) fn harmless(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("[redacted]@{host}"));
    let rest = rest.find(['?', '#']).map_or(rest.clone(), |at| format!("{}[redacted]", &rest[..=at]));
    format!("{scheme}://{rest}")
}

impl fmt::Display for LakeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Folder(folder) => folder.display().fmt(f),
            Place::Bucket { bucket, prefix } if prefix.as_ref().is_empty() => write!(f, "s3://{bucket}"),
            Place::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_a_prefix_or_none() {
        for (text, bucket, prefix, shown) in [
            ("s3://b", "b", "", "s3://b"),
            ("s3://b/", "b", "", "s3://b"),
            ("s3://my.bucket-1/a/b c/", "my.bucket-1", "a/b c", "s3://my.bucket-1/a/b c"),
        ] {
            let url: LakeUrl = text.parse().unwrap();
            assert_eq!(url.bucket(), Some((bucket, &Path::from(prefix))), "{text}");
            assert_eq!((url.to_string().as_str(), url.folder()), (shown, None));
        }
    }

    #[test]
    fn what_is_no_bucket_or_would_leave_its_prefix_is_refused_without_its_secrets() {
        for text in ["s3://", "s3:///a", "s3://b/../c", "s3://b//c", "s3://b/./c", "s3://b:9000/c", "s3://b/c#d"] {
            assert!(matches!(text.parse::<LakeUrl>(), Err(LakeError::Url { .. })), "{text}");
        }
        for text in ["s3://id:hush@b/c", "s3://b/c?X-Amz-Signature=hush", "https://b/c?token=hush"] {
            let error = text.parse::<LakeUrl>().unwrap_err().to_string();
            assert!(!error.contains("hush") && error.contains("[redacted]"), "{error}");
        }
    }
}
