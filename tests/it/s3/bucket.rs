//! `s3s-fs` as S3 is: it looks at a condition and then writes, so each key has a lock; it reads without looking at
//! `If-Match`, and lists without `ETag`s, so both are added here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::sync::OwnedMutexGuard;

/// What a service makes of the conditions of a put.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    Keeps,
    Ignores,
    /// Makes an object once, but replaces whatever is there.
    IgnoresMatch,
    /// Answers that it has no such thing.
    Refuses,
}

pub struct Bucket {
    pub files: FileSystem,
    pub conditions: Conditions,
    pub keys: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Bucket {
    async fn lock(&self, key: &str) -> OwnedMutexGuard<()> {
        let key = Arc::clone(self.keys.lock().unwrap().entry(key.to_owned()).or_default());
        key.lock_owned().await
    }
}

#[async_trait]
impl S3 for Bucket {
    async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let _one = self.lock(&request.input.key).await;
        let input = &mut request.input;
        match self.conditions {
            Conditions::Ignores => (input.if_match, input.if_none_match) = (None, None),
            Conditions::IgnoresMatch => input.if_match = None,
            Conditions::Refuses if input.if_match.is_some() || input.if_none_match.is_some() => {
                return Err(s3_error!(NotImplemented));
            }
            Conditions::Keeps | Conditions::Refuses => {}
        }
        self.files.put_object(request).await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let _one = self.lock(&request.input.key).await;
        let expected = request.input.if_match.clone();
        let answer = self.files.get_object(request).await?;
        match expected.as_ref().and_then(ETagCondition::as_etag) {
            Some(expected) if answer.output.e_tag.as_ref() != Some(expected) => Err(s3_error!(PreconditionFailed)),
            _ => Ok(answer),
        }
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let _one = self.lock(&request.input.key).await;
        self.files.head_object(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let bucket = request.input.bucket.clone();
        let mut answer = self.files.list_objects_v2(request).await?;
        for object in answer.output.contents.iter_mut().flatten() {
            let Some(key) = object.key.clone() else { continue };
            let _one = self.lock(&key).await;
            let input = HeadObjectInput::builder().bucket(bucket.clone()).key(key).build().unwrap();
            // It may have gone since it was listed, or be another by now: what is said of one must be of one version.
            if let Ok(head) = self.files.head_object(request_of(input)).await {
                object.e_tag = head.output.e_tag;
                object.size = head.output.content_length;
                object.last_modified = head.output.last_modified;
            }
        }
        Ok(answer)
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.files.delete_objects(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.files.create_multipart_upload(request).await
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.files.upload_part(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let _one = self.lock(&request.input.key).await;
        self.files.complete_multipart_upload(request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.files.abort_multipart_upload(request).await
    }
}

/// A request of the bucket to itself.
fn request_of<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: axum::http::Method::HEAD,
        uri: axum::http::Uri::default(),
        headers: axum::http::HeaderMap::default(),
        extensions: axum::http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}
