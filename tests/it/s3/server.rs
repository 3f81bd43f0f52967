//! An S3 server in this process, over HTTP on a free loopback port, its objects in a folder of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use kore_lake::lake::{LakeUrl, StoreCredentials, StoreSettings};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::bucket::{Bucket, Conditions};
use crate::program::Program;

/// The one bucket.
pub const BUCKET: &str = "lakes";
/// What must never be seen but in requests.
pub const ACCESS_KEY_ID: &str = "PLANTEDKEYID7";
pub const SECRET_ACCESS_KEY: &str = "planted-secret-key-8f3a";
pub const SESSION_TOKEN: &str = "planted-session-token-51c9";

/// A server that serves until it is dropped.
pub struct S3Server {
    address: std::net::SocketAddr,
    folder: TempDir,
    front: Arc<Front>,
    runtime: Option<Runtime>,
}

/// What stands before the service: it counts, and it can hang.
struct Front {
    service: S3Service,
    requests: Mutex<HashMap<String, usize>>,
    hang: Mutex<Hang>,
}

#[derive(Default)]
struct Hang {
    /// Method and word of the request that it begins with.
    at: Option<(&'static str, &'static str)>,
    /// Requests that got no answer.
    unanswered: usize,
}

impl S3Server {
    pub fn start() -> Self {
        Self::that(Conditions::Keeps)
    }

    /// One that makes this of the conditions of a put.
    pub fn that(conditions: Conditions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let files = FileSystem::new(folder.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(Bucket { files, conditions, keys: Mutex::default() });
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = builder.build();
        let front = Arc::new(Front { service, requests: Mutex::default(), hang: Mutex::default() });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, Arc::clone(&front)));
        Self { address, folder, front, runtime: Some(runtime) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How the library reaches it.
    pub fn settings(&self) -> StoreSettings {
        StoreSettings {
            endpoint: Some(self.endpoint()),
            allow_http: true,
            credentials: Some(StoreCredentials {
                access_key_id: ACCESS_KEY_ID.to_owned(),
                secret_access_key: SECRET_ACCESS_KEY.to_owned(),
                session_token: Some(SESSION_TOKEN.to_owned()),
            }),
            ..StoreSettings::default()
        }
    }

    /// The program with the environment in which it reaches the server.
    pub fn program(&self, program: Program) -> Program {
        program
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", &self.endpoint())
            .env("KORE_LAKE_STORE_ALLOW_HTTP", "true")
    }

    /// Keys of all objects below a prefix, in order.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let root = self.folder.path().join(BUCKET);
        let (mut folders, mut keys) = (vec![root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let key = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                if path.is_dir() { folders.push(path) } else { keys.push(key) }
            }
        }
        keys.retain(|key| key.starts_with(prefix));
        keys.sort();
        keys
    }

    /// Requests so far with this word in method, path or query.
    pub fn requests(&self, word: &str) -> usize {
        let requests = self.front.requests.lock().unwrap();
        requests.iter().filter(|(line, _)| line.contains(word)).map(|(_, count)| count).sum()
    }
}

/// A server that takes requests and never answers them.
impl S3Server {
    /// From the first request on of this method and with this word in its address.
    pub fn hang_at(&self, method: &'static str, word: &'static str) {
        *self.front.hang.lock().unwrap() = Hang { at: Some((method, word)), unanswered: 0 };
    }

    pub fn hangs(&self) -> bool {
        self.front.hang.lock().unwrap().unanswered > 0
    }

    pub fn answer_again(&self) {
        *self.front.hang.lock().unwrap() = Hang::default();
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // Dropped where other runtimes may run, it must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A lake below a prefix of the bucket.
pub fn url(prefix: &str) -> LakeUrl {
    format!("s3://{BUCKET}/{prefix}").parse().unwrap()
}

async fn serve(listener: TcpListener, front: Arc<Front>) {
    let router = Router::new().fallback(move |request| {
        let front = Arc::clone(&front);
        async move { front.answer(request).await }
    });
    axum::serve(listener, router).await.unwrap();
}

impl Front {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let line = format!("{} {}", request.method(), request.uri());
        if self.hang.lock().unwrap().at(&line) {
            std::future::pending::<()>().await;
        }
        *self.requests.lock().unwrap().entry(line).or_default() += 1;
        self.service.call(request.map(s3s::Body::http_body_unsync)).await.unwrap().map(Body::new)
    }
}

impl Hang {
    fn at(&mut self, line: &str) -> bool {
        let begins = self.at.is_some_and(|(method, word)| line.starts_with(method) && line.contains(word));
        let hangs = begins || self.unanswered > 0;
        self.unanswered += usize::from(hangs);
        hangs
    }
}
